from shared.money import total


def handler(event, context):
    return total(0)
