{{ config(schema='other', alias='shown_as') }}
select 7 as x
