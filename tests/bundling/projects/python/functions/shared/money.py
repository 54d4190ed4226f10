def total(amount):
    return amount * 2
