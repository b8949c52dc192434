"""Network interfaces that services hold in a customer's subnets, and that keep subnets and groups in place."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.moto_api._internal import mock_random

from ..call import Call, Refusal
from ..world import GONE, backend, lifecycle
from .ec2 import EC2


class HeldInterface(NetworkInterface):
    """An interface that a service made for one of its resources and only that service deletes.

    `holder` is the resource's id in its lifecycle and `holder_kind` the lifecycle's kind: with the resource gone, so is
    the interface.
    """

    def __init__(
        self,
        ec2: Any,
        subnet_id: str,
        *,
        holder: str,
        holder_kind: str,
        description: str,
        requester: str,
        interface_type: str = "interface",
        groups: list[str] | None = None,
        managed: bool = True,
        address: str | None = None,
    ) -> None:
        subnet = ec2.get_subnet(subnet_id)
        super().__init__(ec2, subnet, address or free_address(ec2, subnet), group_ids=groups, description=description)
        self.holder = holder
        self.holder_kind = holder_kind
        self.requester_managed = managed
        self.requester_id = requester
        self.interface_type = interface_type
        self.status = "in-use"
        self.attached_as = f"ela-attach-{mock_random.get_random_hex(17)}"
        if not groups:
            self._group_set = []

    @property
    def attachment(self) -> dict[str, Any]:  # type: ignore[override]
        return {
            "AttachmentId": self.attached_as,
            "InstanceOwnerId": "amazon-aws",
            "DeviceIndex": 1,
            "Status": "attached",
            "DeleteOnTermination": False,
        }


def hold(ec2: Any, subnet_id: str, **of: Any) -> HeldInterface:
    """Makes an interface in a subnet; the arguments are those of `HeldInterface`."""
    interface = HeldInterface(ec2, subnet_id, **of)
    ec2.enis[interface.id] = interface
    return interface


def held_by(ec2: Any, holder: str) -> list[HeldInterface]:
    """The interfaces of one holder."""
    return [eni for eni in ec2.enis.values() if getattr(eni, "holder", None) == holder]


def keep(ec2: Any, subnets: list[str], **of: Any) -> None:
    """Brings what a holder has in line with its settings: an interface for each entry of `subnets`, in these groups."""
    present: dict[str, list[HeldInterface]] = {}
    for interface in held_by(ec2, of["holder"]):
        present.setdefault(interface.subnet_id, []).append(interface)
    for subnet_id, interfaces in present.items():
        for surplus in interfaces[subnets.count(subnet_id) :]:
            drop(ec2, surplus)
    for subnet_id in dict.fromkeys(subnets):
        for _ in range(subnets.count(subnet_id) - len(present.get(subnet_id, []))):
            hold(ec2, subnet_id, **of)
    for interface in held_by(ec2, of["holder"]):
        interface._group_set = [ec2.get_security_group_from_id(group) for group in of.get("groups") or []]


def release(ec2: Any, holder: str) -> None:
    """Deletes all that a holder has."""
    for interface in held_by(ec2, holder):
        drop(ec2, interface)


def drop(ec2: Any, interface: HeldInterface) -> None:
    """Deletes one interface, the address mapped to it unmapped first."""
    for address in ec2.addresses:
        if address.eni is interface:
            ec2.disassociate_address(association_id=address.association_id)
    ec2.enis.pop(interface.id, None)


def free_address(ec2: Any, subnet: Any) -> str:
    """The lowest free address of a subnet; AWS keeps the first four and the last."""
    network = ipaddress.ip_network(subnet.cidr_block, strict=False)
    taken = {
        address["PrivateIpAddress"]
        for eni in ec2.enis.values()
        if eni.subnet.id == subnet.id
        for address in eni.private_ip_addresses
    }
    for offset in range(4, network.num_addresses - 1):
        address = str(network.network_address + offset)
        if address not in taken:
            return address
    message = "The specified subnet does not have enough free addresses to satisfy the request."
    raise Refusal("InsufficientFreeAddressesInSubnet", message)


def subnet_in_use(ec2: Any, subnet_id: str) -> bool:
    """True while any interface is in the subnet."""
    return any(eni.subnet.id == subnet_id for eni in ec2.enis.values())


def group_in_use(ec2: Any, group_id: str) -> bool:
    """True while any interface is in the security group."""
    return any(group.id == group_id for eni in ec2.enis.values() for group in eni.group_set)


def sweep(call: Call) -> None:
    """Deletes the interfaces whose holder has gone."""
    ec2 = backend("ec2", call)
    for eni in list(ec2.enis.values()):
        if isinstance(eni, HeldInterface) and lifecycle.phase(call, eni.holder_kind, eni.holder) == GONE:
            drop(ec2, eni)


@EC2.around("DeleteNetworkInterface", "DetachNetworkInterface")
def held_interfaces_are_not_the_customers(call: Call, proceed: Any) -> None:
    for eni in backend("ec2", call).enis.values():
        if call.get("NetworkInterfaceId") == eni.id and (eni.attachment_id or isinstance(eni, HeldInterface)):
            raise Refusal("InvalidParameterValue", f"Network interface '{eni.id}' is currently in use.")
        if isinstance(eni, HeldInterface) and call.get("AttachmentId") == eni.attached_as:
            raise Refusal("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
    proceed()
