{{ config(post_hook="create table if not exists " ~ target.schema ~ ".numbers as select 1 as n, 2 as m") }}
select 1 as id union all select 2 {% if var("more", false) %}union all select 3{% endif %} order by id
