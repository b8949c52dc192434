//! What is to be deployed where, as the user names it.

use std::{collections::BTreeMap, str::FromStr};

use up_core::{Address, Declared};
use up_stack::Stack;

use super::deployer;
use crate::{Failure, Reason};

/// `SERVICE=IMAGE`, or `SERVICE#CONTAINER=IMAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The address of the service, or a part of it that names no other.
    pub service: String,
    /// The container, if the service has several.
    pub container: Option<String>,
    /// A tag, a digest (`@sha256:…`), or an image with its repository.
    pub image: String,
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected `service=TAG` or `service=@sha256:…`".to_owned();
        let (service, image) = text.split_once('=').ok_or_else(expected)?;
        let (service, container) = match service.split_once('#') {
            Some((service, container)) => (service, Some(container.to_owned())),
            None => (service, None),
        };
        if service.is_empty() || image.is_empty() || container.as_deref() == Some("") {
            return Err(expected());
        }
        Ok(Self { service: service.to_owned(), container, image: image.to_owned() })
    }
}

/// A service to deploy to, with the images by container; no container where it need not be said.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) images: BTreeMap<Option<String>, String>,
}

/// The services that `changes` name, in their order there.
pub(super) fn targets(stack: &Stack, changes: &[Change]) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = vec![];
    for Change { service, container, image } in changes {
        let address = service_named(stack, service)?;
        let place = targets.iter().position(|target| target.address == address).unwrap_or_else(|| {
            targets.push(Target { address: address.clone(), images: BTreeMap::new() });
            targets.len() - 1
        });
        if targets[place].images.insert(container.clone(), image.clone()).is_some() {
            return Err(Failure::new(Reason::Input, format!("`{service}` is named twice")));
        }
    }
    Ok(targets)
}

/// All services of the stack.
pub(super) fn services(stack: &Stack) -> impl Iterator<Item = &Declared> {
    let kind = deployer().map(|deployer| deployer.service_kind());
    stack.resources.iter().filter(move |declared| Some(declared.address.kind.as_str()) == kind)
}

/// The service that a name means: its address, its name, its key, or the module that it is in.
pub(super) fn service_named(stack: &Stack, name: &str) -> Result<Address, Failure> {
    let all: Vec<_> = services(stack).map(|declared| &declared.address).collect();
    if let Some(found) = all.iter().find(|address| address.is_written(name)) {
        return Ok((*found).clone());
    }
    let module = |address: &Address| address.module.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    let means = |address: &&&Address| {
        address.name == name
            || address.key.as_deref() == Some(name)
            || address.module == name
            || module(address) == name
    };
    let found: Vec<_> = all.iter().filter(means).collect();
    let listed =
        |addresses: &[&&Address]| addresses.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(", ");
    match &found[..] {
        [one] => Ok((**one).clone()),
        [] => {
            let message = format!("the stack `{}` has no service `{name}`", stack.name);
            let failure = Failure::new(Reason::Input, message);
            Err(match all.is_empty() {
                true => failure.hint("services are resources of the kind `ecs.service`"),
                false => failure.hint(format!("it has {}", listed(&all.iter().collect::<Vec<_>>()))),
            })
        }
        several => {
            let message = format!("`{name}` names {} services: {}", several.len(), listed(several));
            Err(Failure::new(Reason::Input, message).hint("give the address"))
        }
    }
}

/// The definition of the stack that a service runs.
pub(super) fn definition_of(stack: &Stack, service: &Address) -> Option<Address> {
    let declared = services(stack).find(|declared| declared.address == *service)?;
    up_core::references(&declared.spec[deployer()?.definition_field()]).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read() {
        let change = |text: &str| text.parse::<Change>();
        let parsed = change("orders=v2").unwrap();
        assert_eq!((parsed.service.as_str(), parsed.container, parsed.image.as_str()), ("orders", None, "v2"));
        let parsed = change("a/ecs.service.main:x#web=1.dkr.ecr/x:v=2").unwrap();
        assert_eq!((parsed.service.as_str(), parsed.container.as_deref()), ("a/ecs.service.main:x", Some("web")));
        assert_eq!(parsed.image, "1.dkr.ecr/x:v=2");
        for bad in ["orders", "=v2", "orders=", "orders#=v2", "#web=v2"] {
            assert!(change(bad).is_err(), "{bad}");
        }
    }
}
