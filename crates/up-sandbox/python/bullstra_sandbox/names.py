"""Which of botocore's services a request is for.

A request names its service only by the name it is signed with, which several services share.
"""

from __future__ import annotations

import re

from . import service
from .service import Signed

CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d+/([^/]+)/([^/]+)/aws4_request")


def service_of(signed_as: str, signed: Signed) -> str:
    """Botocore's name of the service of a request that is signed for `signed_as`."""
    found = [each for each in service.every() if (each.signed_as or each.name) == signed_as]
    claiming = [each for each in found if each.claims and each.claims(signed)]
    rest = [each for each in found if not each.claims]
    return next((each.name for each in claiming + rest), signed_as)
