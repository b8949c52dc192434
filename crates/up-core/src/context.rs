//! The context of a kind's calls: clients, and the ids behind references.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Mutex,
};

use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_types::SdkConfig;
use up_model::{RefTarget, write_only};

use crate::{
    Address, Attrs, Calls, Error, Meter, Name, Ref, ResponseCheck, Result, WriteOnly, caller::KindInUserAgent,
    placeholder::Placeholder,
};

/// The context of a kind's calls: clients, and the ids behind references. One for each account and region.
pub struct Context {
    config: SdkConfig,
    account: String,
    meter: Meter,
    calls: Calls,
    clients: Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
    /// The ids and attributes of the stack's resources, filled in during a run.
    known: Mutex<BTreeMap<Address, Known>>,
    /// See [`Context::is_lost`].
    lost: Mutex<BTreeSet<String>>,
    /// See [`crate::seal`].
    write_only: Mutex<WriteOnly>,
    /// See [`Context::established`].
    established: tokio::sync::Mutex<BTreeSet<String>>,
}

/// Omits the clients and the secrets.
impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("account", &self.account).finish_non_exhaustive()
    }
}

/// The id and the attributes of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// See [`crate::Observed::id`].
    pub id: String,
    /// See [`Attrs`].
    pub attrs: Attrs,
}

impl Context {
    /// A context for one account and region.
    pub fn new(config: SdkConfig, account: impl Into<String>, meter: Meter) -> Self {
        let calls = Calls::new();
        let cx = Self {
            config,
            account: account.into(),
            meter: meter.clone(),
            calls,
            clients: Mutex::default(),
            known: Mutex::default(),
            lost: Mutex::default(),
            write_only: Mutex::default(),
            established: tokio::sync::Mutex::default(),
        };
        cx.around_calls(meter).around_calls(ResponseCheck).around_calls(KindInUserAgent)
    }

    /// Adds an interceptor around every call.
    #[must_use]
    pub fn around_calls(mut self, interceptor: impl Intercept + 'static) -> Self {
        self.calls.interceptors.push(SharedInterceptor::new(interceptor));
        self
    }

    /// The shared client of each service; see [`crate::client!`].
    pub fn client<C: Any + Clone + Send + Sync>(&self, new: impl FnOnce(&SdkConfig, &Calls) -> C) -> C {
        let mut clients = self.clients.lock().expect("no panic while held");
        let client = clients.entry(TypeId::of::<C>()).or_insert_with(|| Box::new(new(&self.config, &self.calls)));
        client.downcast_ref::<C>().expect("keyed by type").clone()
    }

    /// Counts the calls.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The account id, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region, such as `us-east-1`.
    pub fn region(&self) -> &str {
        self.config.region().map_or("us-east-1", |region| region.as_ref())
    }

    /// The partition in ARNs, derived from the region: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        match self.region() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Records the id and attributes of a resource of the stack.
    pub fn learn(&self, address: &Address, known: Known) {
        self.known.lock().expect("no panic while held").insert(address.clone(), known);
    }

    /// The id and attributes of a resource of the stack, if known.
    pub fn known(&self, address: &Address) -> Option<Known> {
        self.known.lock().expect("no panic while held").get(address).cloned()
    }

    /// Records an id that a create returned and that AWS does not show.
    pub fn lose(&self, id: &str) {
        self.lost.lock().expect("no panic while held").insert(id.to_owned());
    }

    /// True for an id that a create returned and that does not exist: an earlier create with the same client token
    /// returned it, and the resource has been deleted since. See [`crate::KindInfo::client_token`].
    pub fn is_lost(&self, id: &str) -> bool {
        self.lost.lock().expect("no panic while held").contains(id)
    }

    /// Calls `ask` until the fact is true; from then on it counts as true for this run, without a call.
    ///
    /// # Errors
    /// An error of `ask`.
    pub async fn established(&self, fact: &str, ask: impl Future<Output = Result<bool>>) -> Result<bool> {
        // Held during the call, so that others that ask the same wait for its answer.
        let mut established = self.established.lock().await;
        let is_so = established.contains(fact) || ask.await?;
        if is_so {
            established.insert(fact.to_owned());
        }
        Ok(is_so)
    }

    /// Adds the values behind the placeholders of write-only fields.
    pub fn keep_write_only(&self, values: WriteOnly) {
        self.write_only.lock().expect("no panic while held").extend(values);
    }

    /// The value of a placeholder, see [`crate::placeholder`].
    pub fn answer(&self, quote: &Placeholder) -> Option<String> {
        if quote.address == "stack" {
            return match quote.attribute.as_str() {
                "account" => Some(self.account.clone()),
                "region" => Some(self.region().to_owned()),
                "partition" => Some(self.partition().to_owned()),
                _ => None,
            };
        }
        if quote.address == write_only::ADDRESS {
            return self.write_only.lock().expect("no panic while held").get(&quote.attribute).cloned();
        }
        let known = self.known(&quote.address.parse().ok()?)?;
        if quote.attribute == "id" { Some(known.id) } else { known.attrs.get(&quote.attribute).cloned() }
    }

    /// The id of a reference's target, which exists by now: steps run in order of their dependencies.
    pub fn id<K: Name>(&self, reference: &Ref<K>) -> Result<String> {
        match reference.target() {
            RefTarget::Id(id) => Ok(id.clone()),
            RefTarget::Address(address) => self.must_know(address).map(|known| known.id),
        }
    }

    /// An attribute of a reference's target, such as its ARN. For a target outside the stack it is the text that the
    /// user wrote.
    pub fn attr<K: Name>(&self, reference: &Ref<K>, attribute: &str) -> Result<String> {
        match reference.target() {
            RefTarget::Id(id) => Ok(id.clone()),
            RefTarget::Address(address) => {
                let absent = || Error::ours(format!("{address} has no `{attribute}`"));
                self.must_know(address)?.attrs.get(attribute).cloned().ok_or_else(absent)
            }
        }
    }

    fn must_know(&self, address: &Address) -> Result<Known> {
        self.known(address).ok_or_else(|| Error::ours(format!("{address} was used before it existed")))
    }
}
