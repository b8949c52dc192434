//! `ec2.key_pair`: who may sign in to instances.

use aws_sdk_ec2::{
    primitives::Blob,
    types::{Filter, KeyPairInfo, ResourceType},
};
use up_core::{placeholder, prelude::*};

use crate::{arn, check::must, client, made, ours, owned, present, retag, tags};

/// A public key that new instances, such as a bastion, let in. The private key never comes here: make one with
/// `ssh-keygen`, and keep it.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::KeyPair",
        actions: Actions {
            observe: &["ec2:DescribeKeyPairs"],
            create: &["ec2:ImportKeyPair", "ec2:CreateTags"],
            update: &[],
            tag: &["ec2:CreateTags", "ec2:DeleteTags"],
            delete: &["ec2:DeleteKeyPair"],
        },
        attrs: &["arn", "name", "fingerprint"],
        longest_name: 255,
        tags: TagRules::FREE,
        ..KindInfo::DEFAULT
    };

    /// EC2 has no pages here: one call lists all.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let answer = client(cx)
            .describe_key_pairs()
            .set_filters(owned(query, "key-pair-id"))
            .include_public_key(true)
            .send()
            .await?;
        let observed = answer.key_pairs.into_iter().flatten().map(|pair| read(cx, pair)).collect::<Result<Vec<_>>>()?;
        note_others(cx, query, &observed).await?;
        Ok(observed)
    }

    /// Safe to repeat: names are unique, and one that an earlier try has made is known by its tags.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<String> {
        let name = self.key_name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).import_key_pair().key_name(name);
        let request = request.public_key_material(Blob::new(self.public_key.0.as_bytes()));
        made(request.tag_specifications(ours(ResourceType::KeyPair, new)).send().await?.key_pair_id)
    }

    /// Nothing about a key changes in place but its tags.
    async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    /// Safe to repeat: keys are set and removed.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        retag(cx, &observed.id, change).await
    }

    /// By its id, which no later key has. Safe to repeat: gone is gone.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_key_pair().key_pair_id(&observed.id).send().await.ignore_not_found()
    }

    fn check(&self) -> Vec<Problem> {
        let key = &self.public_key.0;
        let is_key = ["ssh-rsa AAAA", "ssh-ed25519 AAAA"].iter().any(|start| key.starts_with(start));
        let message = "expected an OpenSSH public key, RSA or ED25519, such as `ssh-ed25519 AAAAC3…`";
        must(is_key || placeholder::has_placeholder(key), "public_key", message).into_iter().collect()
    }
}

/// Notes whose the names are that the stack gives and does not have: one call where there are any, see
/// [`Query::owns_named`].
async fn note_others(cx: &Context, query: &Query, observed: &[Observed<KeyPair>]) -> Result<()> {
    let has = |name: &String| observed.iter().any(|observed| observed.spec.key_name.as_ref() == Some(name));
    let missing: Vec<_> = query.names.iter().filter(|name| !query.only_known && !has(name)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let filter = Filter::builder().name("key-name").set_values(Some(missing)).build();
    let answer = client(cx).describe_key_pairs().filters(filter).send().await?;
    for pair in answer.key_pairs.into_iter().flatten() {
        query.owns_named(pair.key_name.as_deref().unwrap_or_default(), &tags(pair.tags));
    }
    Ok(())
}

fn read(cx: &Context, pair: KeyPairInfo) -> Result<Observed<KeyPair>> {
    let id = present(pair.key_pair_id, "id of a key pair")?;
    let name = present(pair.key_name, "name of a key pair")?;
    let public_key = present(pair.public_key, "public key of a key pair")?.into();
    let fingerprint = present(pair.key_fingerprint, "fingerprint of a key pair")?;
    let arn = arn(cx, "key-pair", &name);
    let attrs = [("arn".into(), arn), ("name".into(), name.clone()), ("fingerprint".into(), fingerprint)].into();
    let spec = KeyPair { key_name: Some(name), public_key };
    Ok(Observed { id, tags: tags(pair.tags), attrs, status: Status::Ready, notes: vec![], spec })
}
