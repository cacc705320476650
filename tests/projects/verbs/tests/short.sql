{{ config(severity='warn') }}
select id from {{ ref('notes') }} where id > 1
