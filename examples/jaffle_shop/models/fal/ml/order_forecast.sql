
{{ config(materialized='ephemeral') }}
/*
FAL_GENERATED d7fa0f9bbae77a171519bad573b4237b

Script dependencies:

{{ ref('daily_orders') }}

*/

SELECT * FROM {{ this }}
