"""Seals a word so that only the holder of the key can read it."""

from cryptography.fernet import Fernet


def handler(event, context):
    box = Fernet(Fernet.generate_key())
    return box.decrypt(box.encrypt(event["word"].encode())).decode()
