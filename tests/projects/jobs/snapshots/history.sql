{% snapshot history %}
{{ config(unique_key="customer", strategy="check", check_cols=["amount"], target_schema="main") }}
select * from {{ ref("totals") }}
{% endsnapshot %}
