select * from (values
  (1, 1::tinyint, 1::smallint, 1::integer, 1::bigint, 1::utinyint, 1::usmallint, 1::uinteger, 1::ubigint, 1.5::float, 0.1::double, true,
   12.3450::decimal(18, 4), 1234567890123456789.0123456789::decimal(38, 10), 'ä🙂 "quoted" ''text''', date '2024-02-29', time '23:59:59.999999',
   timestamp '2024-02-29 12:00:00.000001', timestamp_s '2024-02-29 12:00:00', timestamp_ms '2024-02-29 12:00:00.001',
   timestamp_ns '2024-02-29 12:00:00.000000001', timestamptz '2024-02-29 12:00:00.000001+02', interval '3 days 1 second',
   interval '14 months -3 days', '\x00\xFF'::blob, [1, null, 3], [[1, null], null, []], ['a', null, ''],
   {'a': 9007199254740993, 'b': 'x'}, [{'a': 1, 'b': null::varchar}], null::integer),
  (2, -128, -32768, -2147483648, -9223372036854775808, 255, 65535, 4294967295, 18446744073709551615, -1.5, 1e308, false,
   -99999999999999.9999, -9999999999999999999999999999.9999999999, '', date '0001-01-01', time '00:00:00',
   timestamp '0001-01-01 00:00:00', timestamp_s '1969-12-31 23:59:59', timestamp_ms '2262-01-01 00:00:00.999',
   timestamp_ns '1969-12-31 23:59:59.999999999', timestamptz '1969-12-31 23:59:59.999999+00', interval '-1 days',
   interval '0 days', ''::blob, [], [], [], {'a': null, 'b': ''}, [], null),
  (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
   null, null, null, null, null, null, null, null)
) as t (id, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, flag, money, wide, word, day, clock, at_us, at_s, at_ms, at_ns, zoned, span,
        months, bytes, numbers, nested, words, pair, pairs, nothing)
