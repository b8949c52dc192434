"""STS: who one is, and sessions of roles."""

from ...service import Limit, Service

STS = Service(
    "sts",
    is_about_roles=True,
    # Everybody may ask who they are, whatever a policy says.
    always_allowed=("sts:GetCallerIdentity",),
    # A session is nothing that exists: taking on a role changes no resource.
    reads=("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"),
    limits=(Limit("*", 600, 600, shared="all", guess=True),),
    keeps_nothing=True,
)
