//! Client tokens: how a create is made safe to repeat.

use up_core::{Birth, Cx, Error, ErrorKind, Result, TagChange};

use crate::tagging::retag;

/// More lives than one address can have before EC2 forgets the first token.
const LIVES: usize = 100;

/// Client tokens to try in turn, until one answers with something that [`stands`].
///
/// EC2 refuses a token that comes with other parameters than before; the tags, which every create has, are among them.
pub(crate) fn tokens(cx: &Cx, birth: &Birth, parameters: &[&str]) -> impl Iterator<Item = String> {
    let tags = format!("{:?}", birth.tags);
    (0..LIVES).map(move |life| {
        let life = life.to_string();
        let parameters = parameters.iter().copied().chain([tags.as_str(), life.as_str()]).collect::<Vec<_>>();
        birth.token(cx.account(), cx.region(), &parameters)
    })
}

/// All [`tokens`] answered with what is gone.
pub(crate) fn used_up(birth: &Birth) -> Error {
    let message =
        format!("{} was made and deleted {LIVES} times within a day; EC2 still knows each token", birth.address);
    Error::refused("TokensUsedUp", message)
}

/// False where a token answered with what it made once and what has been deleted since.
///
/// `described` is what a describe of the id says. A create is often not yet seen by the next describe, so that "not
/// found" is asked again with a write: setting the tags that it has anyway.
pub(crate) async fn stands(cx: &Cx, id: &str, birth: &Birth, described: Result<bool>) -> Result<bool> {
    match described {
        Err(error) if error.kind == ErrorKind::NotFound => {}
        described => return described,
    }
    let same = TagChange { set: birth.tags.clone(), ..TagChange::default() };
    match retag(cx, id, &same).await {
        Err(error) if error.kind == ErrorKind::NotFound || error.code == "InvalidID" => Ok(false),
        tagged => tagged.map(|()| true),
    }
}
