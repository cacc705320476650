
{{ config(materialized='ephemeral') }}
/*
FAL_GENERATED 00000000000000000000000000000000

Script dependencies:

{{ ref('customers') }}

*/

SELECT * FROM {{ this }}
