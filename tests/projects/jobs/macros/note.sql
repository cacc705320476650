{% macro note(text) %}
  {% set count = run_query("select count(*) from " ~ ref("totals")).columns[0].values()[0] %}
  {% do run_query("create or replace table note as select '" ~ text ~ "' as text, " ~ count ~ " as n") %}
{% endmacro %}
