payments = ref("payments")
write_to_source(payments, "crm", "copy")
write_to_model(payments)
