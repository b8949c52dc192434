//! `ec2.key_pair`: who may sign in to instances.

use aws_sdk_ec2::{
    primitives::Blob,
    types::{Filter, KeyPairInfo, ResourceType},
};
use up_core::{placeholder, prelude::*};

use crate::{arn, client, filter, ours, selected, tags};

/// A public key that new instances, such as a bastion, let in. The private key never comes here: make one with
/// `ssh-keygen`, and keep it.
#[spec]
pub struct KeyPair {
    /// What instances name it by, 255 characters at most. Default: derived from stack and address.
    #[spec(name)]
    key_name: Option<String>,
    /// The public key as OpenSSH writes it, such as `ssh-ed25519 AAAAC3… me@desk` or what `file("bastion.pub")` reads;
    /// RSA or ED25519. Its comment is left out.
    #[spec(replace)]
    public_key: PublicKey,
}

/// An OpenSSH public key without its comment, which AWS writes anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
struct PublicKey(String);

impl From<String> for PublicKey {
    fn from(text: String) -> Self {
        // A mark holds no space, and what it stands for comes this way once more.
        let mut words = text.split_whitespace();
        Self([words.next(), words.next()].into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.0
    }
}

impl Kind for KeyPair {
    const NAME: &'static str = "ec2.key_pair";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::KeyPair",
        actions: Actions {
            observe: actions!(ec2: DescribeKeyPairs),
            create: actions!(ec2: ImportKeyPair CreateTags),
            update: &[],
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteKeyPair),
        },
        attrs: &["arn", "name", "fingerprint"],
        longest_name: 255,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// EC2 has no pages here: one call lists all.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let observed = described(cx, selected(query, "key-pair-id")).await?;
        let others = named_by_others(cx, query, &observed).await?;
        Ok(observed.into_iter().chain(others).collect())
    }

    /// Safe to repeat: names are unique, and one that an earlier try has made is known by its tags.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.key_name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).import_key_pair().key_name(name);
        let request = request.public_key_material(Blob::new(self.public_key.0.as_bytes()));
        let made = request.tag_specifications(ours(ResourceType::KeyPair, new)).send().await?;
        let pair = KeyPairInfo::builder().set_key_pair_id(made.key_pair_id).set_key_name(made.key_name);
        let pair = pair.set_key_fingerprint(made.key_fingerprint).set_tags(made.tags);
        // EC2 does not repeat the key itself.
        Ok(read(cx, pair.public_key(&self.public_key.0).build())?.into())
    }

    /// Nothing about a key changes in place but its tags.
    async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    /// By its id, which no later key has. Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_key_pair().key_pair_id(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let key = &self.public_key.0;
        let is_key = ["ssh-rsa AAAA", "ssh-ed25519 AAAA"].iter().any(|start| key.starts_with(start));
        let message = "expected an OpenSSH public key, RSA or ED25519, such as `ssh-ed25519 AAAAC3…`";
        problems! {
            !is_key && !placeholder::has_placeholder(key) => "public_key", "{message}";
        }
    }
}

async fn described(cx: &Context, filters: Option<Vec<Filter>>) -> Result<Vec<Observed<KeyPair>>> {
    let answer = client(cx).describe_key_pairs().set_filters(filters).include_public_key(true).send().await?;
    answer.key_pairs.into_iter().flatten().map(|pair| read(cx, pair)).collect()
}

/// The keys of others that have a name which the stack gives: one call where there may be any.
async fn named_by_others(
    cx: &Context,
    query: &Query,
    observed: &[Observed<KeyPair>],
) -> Result<Vec<Observed<KeyPair>>> {
    let has = |name: &String| observed.iter().any(|observed| observed.spec.key_name.as_ref() == Some(name));
    let missing: Vec<_> = query.names.iter().filter(|name| !query.is_by_id() && !has(name)).cloned().collect();
    if missing.is_empty() {
        return Ok(vec![]);
    }
    described(cx, Some(vec![filter("key-name", missing)])).await
}

fn read(cx: &Context, pair: KeyPairInfo) -> Result<Observed<KeyPair>> {
    let id = present(pair.key_pair_id, "id of a key pair")?;
    let name = present(pair.key_name, "name of a key pair")?;
    let public_key = present(pair.public_key, "public key of a key pair")?.into();
    let fingerprint = present(pair.key_fingerprint, "fingerprint of a key pair")?;
    let spec = KeyPair { key_name: Some(name.clone()), public_key };
    let observed = Observed::new(id, tags(pair.tags), spec).attr("arn", arn(cx, "key-pair", &name));
    Ok(observed.attr("name", name).attr("fingerprint", fingerprint).created_at(pair.create_time))
}
