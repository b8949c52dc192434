//! `ec2.key_pair`: a public key for SSH access to instances.

use aws_sdk_ec2::{
    primitives::Blob,
    types::{Filter, KeyPairInfo, ResourceType},
};
use up_core::{placeholder, prelude::*};

use crate::{arn, client, filter, ours, selected, tags};

/// A public key for SSH access to EC2 instances, such as a bastion host. The private key never reaches bullstra-up or
/// AWS: create the pair with `ssh-keygen`, and keep the private key.
#[spec]
pub struct KeyPair {
    /// The name of the key pair, 255 characters at most. Default: derived from stack and address.
    #[spec(name)]
    key_name: Option<String>,
    /// The public key in OpenSSH format, such as `ssh-ed25519 AAAAC3… me@desk` or the result of `file("bastion.pub")`.
    /// Supported types: RSA and ED25519. The comment is not sent.
    #[spec(replace)]
    public_key: PublicKey,
}

/// An OpenSSH public key without its comment, which AWS replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
struct PublicKey(String);

impl From<String> for PublicKey {
    fn from(text: String) -> Self {
        // A placeholder contains no space; the value that replaces it passes through here again.
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

    /// DescribeKeyPairs has no pages: one call lists all key pairs.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let observed = described(cx, selected(query, "key-pair-id")).await?;
        let others = named_by_others(cx, query, &observed).await?;
        Ok(observed.into_iter().chain(others).collect())
    }

    /// Safe to repeat: names are unique, and a key pair that an earlier attempt created is recognized by its tags.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.key_name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).import_key_pair().key_name(name);
        let request = request.public_key_material(Blob::new(self.public_key.0.as_bytes()));
        let made = request.tag_specifications(ours(ResourceType::KeyPair, new)).send().await?;
        let pair = KeyPairInfo::builder().set_key_pair_id(made.key_pair_id).set_key_name(made.key_name);
        let pair = pair.set_key_fingerprint(made.key_fingerprint).set_tags(made.tags);
        // The answer does not contain the public key.
        Ok(read(cx, pair.public_key(&self.public_key.0).build())?.into())
    }

    /// Only the tags of a key pair can change in place.
    async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    /// Deletes by id, which no later key pair has. Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_key_pair().key_pair_id(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let key = &self.public_key.0;
        let is_key = ["ssh-rsa AAAA", "ssh-ed25519 AAAA"].iter().any(|start| key.starts_with(start));
        let message = "expected an RSA or ED25519 public key in OpenSSH format, such as `ssh-ed25519 AAAAC3…`";
        problems! {
            !is_key && !placeholder::has_placeholder(key) => "public_key", "{message}";
        }
    }
}

async fn described(cx: &Context, filters: Option<Vec<Filter>>) -> Result<Vec<Observed<KeyPair>>> {
    let answer = client(cx).describe_key_pairs().set_filters(filters).include_public_key(true).send().await?;
    answer.key_pairs.into_iter().flatten().map(|pair| read(cx, pair)).collect()
}

/// Key pairs outside the stack that have a name declared in the stack: one call if there are declared names.
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
