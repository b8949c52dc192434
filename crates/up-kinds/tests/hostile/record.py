"""Records what the sandbox answers to the reads of a plan, for `answers.json`.

    record.py BULLSTRA_UP STACKS ENDPOINT > answers.json

applies a small production (`stacks/prod.toml` with one service, and what cases add in `recorded.toml`) in an account of its
own, and then plans it through a proxy that writes down every answer, with and without `state/`. Each kind must be in it: the
case of one that production does not use has a `recorded.toml`. An answer is given to the request that it was recorded for and
to no other: what a kind asks only where an answer is spoilt is asked here (`ask_more`).
"""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

KINDS = pathlib.Path(__file__).parents[4] / "tests/kinds"
MORE = "".join(f"\n{case.read_text()}" for case in sorted(KINDS.glob("*/recorded.toml")))

up, stacks, endpoint = sys.argv[1:]
answers, headers_of = {}, {}


def operation(path, headers, body):
    if target := headers.get("X-Amz-Target"):
        return target.split(".")[-1]
    return urllib.parse.parse_qs(body).get("Action", [path.split("?")[0]])[0]


class Proxy(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = urllib.request.Request(endpoint + self.path, body or None, dict(self.headers), method=self.command)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        content = answer.read()
        kept = {name: answer.headers[name] for name in ("Content-Type", "x-amzn-ErrorType") if answer.headers[name]}
        text = body.decode()
        headers_of[operation(self.path, self.headers, text)] = dict(self.headers)
        answers[f"{self.path}\n{text}"] = {
            "operation": operation(self.path, self.headers, text),
            "request": f"{self.path}\n{text}",
            "status": answer.status,
            "headers": kept,
            "body": content.decode(),
        }
        self.send_response(answer.status)
        for name, value in kept.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def ask_more(url):
    """Task definitions by their ARNs: they are asked for where the family's latest is none of ours."""
    name = "DescribeTaskDefinition"
    for answer in [each for each in answers.values() if each["operation"] == name]:
        arn = json.loads(answer["body"])["taskDefinition"]["taskDefinitionArn"]
        body = json.dumps({"taskDefinition": arn, "include": ["TAGS"]}, separators=(",", ":")).encode()
        headers = {**headers_of[name], "Content-Length": str(len(body))}
        urllib.request.urlopen(urllib.request.Request(f"{url}/", body, headers)).read()


proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=proxy.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
    }

    def run(url, *arguments):
        command = [up, *arguments, "--state", f"{folder}/state"]
        subprocess.run(command, env=environment | {"AWS_ENDPOINT_URL": url}, check=True, stdout=sys.stderr)

    shutil.copytree(stacks, f"{folder}/stacks")
    stack = f"{folder}/stacks/prod.toml"
    with open(stack) as file:
        text = file.read()
    text = text.replace("bullstra-prod", "bullstra-hostile").replace("slice(zones, 0, 3)", "slice(zones, 0, 2)")
    text = text.replace("nat_gateways = 3", "nat_gateways = 1").replace("brokers = 3", "brokers = 2")
    text = re.sub(r"interface_endpoints = \[[^]]*\]", 'interface_endpoints = ["sts"]', text)
    with open(stack, "w") as file:
        file.write(text + MORE)
    catalog = f"{folder}/stacks/modules/catalog.toml"
    with open(catalog) as file:
        text = file.read()
    with open(catalog, "w") as file:
        file.write(re.sub(r"^(?!orders)\w+ = \{ priority.*\n", "", text, flags=re.M))
    run(endpoint, "apply", stack, "--auto-approve", "--unprotect")
    through = f"http://127.0.0.1:{proxy.server_port}"
    run(through, "plan", stack)
    shutil.rmtree(f"{folder}/state")
    run(through, "plan", stack)
    ask_more(through)
    run(endpoint, "destroy", stack, "--auto-approve", "--unprotect")
json.dump(list(answers.values()), sys.stdout, indent=1, sort_keys=True)
print()
