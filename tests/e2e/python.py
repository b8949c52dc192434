"""Runs Python for the tests, each piece in a process of its own that has boto3 and its models loaded already.

It prints the path of its socket, and ends with its standard input, which the tests hold. A request is JSON, `{"environment": {…},
"code": …}`, and ends where the client stops writing. So is the answer: `{"failed": …, "stdout": …, "stderr": …}`. Code has `aws(service)`, a client, and `id(address)` and `arn(address)` of what is
alive, `child(kind, …)` of what takes no tags, and `available(database)`, which waits for one of RDS.
"""

import contextlib
import io
import json
import os
import re
import select
import signal
import socket
import sys
import tempfile
import traceback
import urllib.request

import boto3

# Clients made before are what takes half a second: their models stay loaded in the children.
LOADED = set()


def aws(service):
    return boto3.client(service)


def _dump():
    dump = json.load(urllib.request.urlopen(f"{os.environ['ENDPOINT']}/_sandbox/dump?account={os.environ['ACCOUNT']}"))
    return dump["resources"]


def _found(address):
    found = [r for r in _dump() if r["tags"].get("bullstra:address") == address]
    assert len(found) == 1, f"{len(found)} resources at {address}"
    return found[0]


def child(kind, **attributes):
    """The id of the one resource of a kind without tags that has these attributes."""
    of_kind = [r for r in _dump() if r["type"] == kind]
    found = [r for r in of_kind if attributes.items() <= r["attributes"].items()]
    assert len(found) == 1, f"{len(found)} of {len(of_kind)} {kind} have {attributes}"
    return found[0]["id"]


def id(address):
    return _found(address)["id"]


def arn(address):
    found = _found(address)
    return found["id"] if found["id"].startswith("arn:") else found["attributes"]["arn"]


def available(database):
    every = {"Delay": 0.1, "MaxAttempts": 1000}
    aws("rds").get_waiter("db_instance_available").wait(DBInstanceIdentifier=database, WaiterConfig=every)


def load(code):
    for service in set(re.findall(r'aws\("([\w-]+)"\)', code)) - LOADED:
        LOADED.add(service)
        boto3.client(service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")


def run(request):
    os.environ.update(request["environment"])
    out, failure = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            exec(request["code"], dict(globals()))
        except BaseException:
            failure = traceback.format_exc()
    return {"failed": bool(failure), "stdout": out.getvalue(), "stderr": failure}


def serve(client):
    with client, client.makefile("rb") as asked:
        request = json.loads(asked.read())
        load(request["code"])
        if os.fork() == 0:
            # Code may have children of its own to wait for.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                client.sendall(json.dumps(run(request)).encode())
            finally:
                os._exit(0)


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
    listener.bind(f"{folder}/python")
    listener.listen(64)
    print(f"{folder}/python", flush=True)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        serve(listener.accept()[0])
