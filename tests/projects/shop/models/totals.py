"""What each customer spent."""
orders = ref('stg_orders')
totals = orders.groupby('customer', as_index=False)['amount'].sum()
totals['scaled'] = totals['amount'] * int(var('factor'))
print(f'{len(totals)} customers')
write_to_model(totals)
