import sys
from base64 import b64decode
from snippet import verify

for line in sys.stdin:
    secret, id, timestamp, signatures, body, now = (b64decode(part) for part in line.rstrip("\n").split("\t"))
    # As WSGI and ASGI give headers.
    texts = [part.decode("latin-1") for part in (secret, id, timestamp, signatures)]
    print(1 if verify(*texts, body, int(now)) else 0)
