{% test at_least_one(model, other) %}
select 1 from (select count(*) as n from {{ model }}) where n = 0 and (select count(*) from {{ other }}) > 0
{% endtest %}
