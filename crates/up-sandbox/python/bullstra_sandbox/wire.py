"""Between bytes and calls, in every protocol of AWS, by botocore's models and moto's parsers."""

from __future__ import annotations

import functools
import io
import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from

from . import names, service as kit
from .call import Call, Refusal

Answer = tuple[int, dict[str, str], bytes]

REQUEST_ID_IN_XML = re.compile(rb"<(requestId|RequestId|RequestID)>[^<]*</\1>")

ANONYMOUS = ("AKIAANONYMOUS", "us-east-1", "s3")


@functools.cache
def service_model(service: str) -> ServiceModel | None:
    """The model of a service, if botocore has one."""
    try:
        return get_service_model(service)
    except (UnknownServiceError, FileNotFoundError):
        return None


@functools.cache
def operation_model(service: str, operation: str) -> OperationModel | None:
    """The model of an operation, if botocore has one."""
    model = service_model(service)
    try:
        return model.operation_model(operation) if model else None
    except OperationNotFoundError:
        return None


def account_of(access_key: str) -> str:
    """The account of an access key: twelve digits name one, IAM knows its own, else the default."""
    if len(access_key) == 12 and access_key.isdigit():
        return access_key
    return get_account_id_from(access_key)


def signer(environ: dict[str, Any]) -> tuple[str, str, str]:
    """The access key, region and signing name a request was signed with."""
    found = names.CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found.groups() if found else ANONYMOUS  # type: ignore[return-value]


def parse(environ: dict[str, Any], body: bytes) -> Call | None:
    """The call a request makes; nothing where botocore knows no such operation.

    Raises `Refusal` where the body is not what the operation's model says.
    """
    access_key, region, signed_as = signer(environ)
    raw = Request({**environ, "wsgi.input": io.BytesIO(body)})
    form = body.decode("utf-8", "replace") if "urlencoded" in environ.get("CONTENT_TYPE", "") else ""
    service = names.service_of(signed_as, kit.Signed(raw.headers, raw.path, form))
    model = service_model(service)
    found = find_operation(model, raw) if model else None
    if not model or not found:
        return None
    operation, url_params, protocol = found
    call = Call(
        service=service,
        operation=operation.name,
        params={},
        region=region,
        account=account_of(access_key),
        access_key=access_key,
        model=operation,
        protocol=protocol,
        headers=raw.headers,
        environ=environ,
        body=body,
    )
    call.params = params_of(call, raw, url_params)
    return call


def find_operation(model: ServiceModel, raw: Request) -> tuple[OperationModel, dict[str, Any], str] | None:
    """The operation a request addresses, what its path says, and the protocol spoken."""
    try:
        protocol = determine_request_protocol(model, raw.content_type)
        if protocol in ("ec2", "query"):
            return model.operation_model(raw.values.get("Action", "")), {}, protocol
        if protocol == "json":
            return model.operation_model(raw.headers.get("X-Amz-Target", "").rpartition(".")[2]), {}, protocol
        operation, url_params = get_service_router(str(model.service_name)).match(raw)
        return operation, url_params, protocol
    except Exception:  # noqa: BLE001  (an address nothing answers to is moto's to refuse)
        return None


def params_of(call: Call, raw: Request, url_params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a request; raises the refusal AWS gives for a body it cannot read."""
    try:
        parsed = PROTOCOL_PARSERS[call.protocol](call.model).parse(
            {
                "method": raw.method,
                "values": raw.values,
                "headers": raw.headers,
                "body": call.body,
                "url_path": raw.path,
                "url_params": url_params,
            }
        )
    except Exception as error:  # noqa: BLE001  (whatever a malformed body trips over)
        refusal = Refusal(malformed_code(call.protocol), f"The request could not be read: {error}", 400)
        refusal.call = call  # type: ignore[attr-defined]
        raise refusal from error
    # A list that is absent from the query string is parsed as an empty one, and an absent header as nothing.
    located = call.model.input_shape.members if call.model.input_shape else {}
    return {
        name: value
        for name, value in parsed.items()
        if value is not None and not (value == [] and located[name].serialization.get("location") == "querystring")
    }


def malformed_code(protocol: str) -> str:
    """What a service of this protocol calls a body it cannot read."""
    return {"ec2": "InvalidParameterValue", "query": "MalformedInput", "rest-xml": "MalformedXML"}.get(
        protocol, "SerializationException"
    )


def call(service: str, operation: str, params: dict[str, Any], region: str, account: str, access_key: str = "") -> Call:
    """A call made by the sandbox itself."""
    model = operation_model(service, operation)
    if model is None:
        raise ValueError(f"{service} has no operation {operation}")
    protocol = str(model.service_model.protocol)
    environ, body = request(model, protocol, params, region, access_key or account)
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    return Call(
        service=service,
        operation=operation,
        params=dict(params),
        region=region,
        account=account,
        access_key=access_key or account,
        model=model,
        protocol=protocol,
        headers=Request(environ).headers,
        environ=environ,
        body=body,
    )


def request(
    model: OperationModel, protocol: str, params: dict[str, Any], region: str, access_key: str
) -> tuple[dict[str, Any], bytes]:
    """The request that asks for an operation with `params`, as a WSGI environment and a body."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    made = serializer.serialize_to_request(params, model)
    query = made["query_string"]
    query = query if isinstance(query, str) else urlencode(query or {}, doseq=True)
    path, _, in_path = made["url_path"].partition("?")
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    signed_as = model.service_model.signing_name
    environ = {
        "REQUEST_METHOD": made["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_path(path),
        "RAW_URI": path,
        "QUERY_STRING": "&".join(part for part in (in_path, query) if part),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 "
        f"Credential={access_key}/20260101/{region}/{signed_as}/aws4_request, SignedHeaders=host, Signature=0",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
    }
    for name, value in made["headers"].items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = str(value)
    return environ, body


def unquote_path(path: str) -> str:
    """A path as WSGI hands it over: percent-decoded, each byte a character."""
    return unquote_to_bytes(quote(path, safe="/%:~@!$&'()*+,;=-._")).decode("latin-1")


def answer(call: Call, result: dict[str, Any] | Refusal) -> Answer:
    """The bytes that give `result` to the caller, in the protocol the call was made in."""
    context = SerializationContext(call.request_id)
    serializer = get_serializer_class(call.service, call.protocol)(operation_model=call.model, context=context)
    made = serializer.serialize(result)
    status = made["status_code"]
    if isinstance(result, Refusal):
        status = result.status or (status if status >= 400 else 400)
    body = made["body"]
    return status, dict(made["headers"]), body.encode() if isinstance(body, str) else body


def result(call: Call, given: Answer) -> dict[str, Any]:
    """What an answer says, by the operation's model; raises `Refusal` where it refuses."""
    status, headers, body = given
    parser = botocore.parsers.create_parser(call.protocol)
    response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
    try:
        parsed = parser.parse(response, call.model.output_shape)
    except botocore.parsers.ResponseParserError as error:
        raise Refusal("InternalFailure", f"moto answered {body[:200]!r}", 500) from error
    parsed.pop("ResponseMetadata", None)
    if status < 300:
        return parsed
    error = parsed.pop("Error", {})
    code = str(error.get("Code", "InternalFailure")).rpartition("#")[2]
    refusal = Refusal(code, error.get("Message", ""), status)
    refusal.fields.update(parsed)
    raise refusal


def with_request_id(given: Answer, call: Call) -> Answer:
    """The answer under the call's own request id: moto says the same one every time."""
    status, headers, body = given
    replaced = ("x-amzn-requestid", "x-amz-request-id")
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    kept[kit.of(call.service).request_id_header] = call.request_id
    if call.protocol in ("ec2", "query") or (status >= 400 and call.protocol == "rest-xml"):
        tag = rb"<\1>" + call.request_id.encode() + rb"</\1>"
        body = REQUEST_ID_IN_XML.sub(tag, body, count=1)
    return status, kept, body
