
{{ config(materialized='ephemeral') }}
/*
FAL_GENERATED 9f567fb8d2db619a45c3cf8879448719

Script dependencies:

{{ ref('customers') }}

*/

SELECT * FROM {{ this }}
