select '{{ target.name }}' as origin, {{ var('size') }} as size
