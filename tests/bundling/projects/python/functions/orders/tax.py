def of(amount):
    return amount * 0.25
