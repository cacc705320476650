{% macro is_big(column) %}{{ column }} >= {{ var('big') }}{% endmacro %}
