customers = ref('customers')
write_to_model(customers)
