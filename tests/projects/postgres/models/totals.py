"""What each customer spent."""
orders = ref('stg_orders')
assert str(orders['at'].dtype).endswith('UTC]'), orders.dtypes
assert [list(tags) for tags in orders['tags']][0] == ['ann', 'x']
totals = orders.groupby('customer', as_index=False)['amount'].sum()
totals['scaled'] = totals['amount'] * int(var('factor'))
print(f'{len(totals)} customers')
write_to_model(totals)
