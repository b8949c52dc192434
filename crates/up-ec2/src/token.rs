//! Client tokens: how a create is made safe to repeat.

use up_core::{Context, Error, ErrorKind, NewResource, Result};

/// More lives than one address can have before EC2 forgets the first token.
const LIVES: usize = 100;

/// Client tokens to try in turn, until one answers with an id that [`may_stand`].
///
/// EC2 refuses a token that comes with other parameters than before; the tags, which every create has, are among them.
pub(crate) fn tokens(cx: &Context, new: &NewResource, parameters: &[&str]) -> impl Iterator<Item = String> {
    let tags = format!("{:?}", new.tags);
    (0..LIVES).map(move |life| {
        let life = life.to_string();
        let parameters = parameters.iter().copied().chain([tags.as_str(), life.as_str()]).collect::<Vec<_>>();
        new.token(cx.account(), cx.region(), &parameters)
    })
}

/// All [`tokens`] answered with what is gone.
pub(crate) fn used_up(new: &NewResource) -> Error {
    let message =
        format!("{} was made and deleted {LIVES} times within a day; EC2 still knows each token", new.address);
    Error::refused("TokensUsedUp", message)
}

/// False where a token answered with what it made once and what has been deleted since.
///
/// `described` is what a describe of the id says, for what EC2 describes for an hour after it has deleted it. "Not found"
/// says nothing: EC2 shows what it has just made after a while. The engine looks for it, and notes what it does not find.
pub(crate) async fn may_stand(cx: &Context, id: &str, described: impl Future<Output = Result<bool>>) -> Result<bool> {
    if cx.is_lost(id) {
        return Ok(false);
    }
    match described.await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
        described => described,
    }
}
