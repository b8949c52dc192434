//! Client tokens: how a create is made safe to repeat.

use std::fmt;

use up_core::{Context, Created, Error, ErrorKind, NewResource, Result};

use crate::made;

/// More than the number of times that a resource can be created at one address before EC2 forgets the first token.
const LIVES: usize = 100;

/// Creates a resource by a call that takes a client token: with one token after another, until the answer is an id that
/// [`may_stand`]. `request` is what the call sends, without the token: EC2 refuses a token that it has seen with other
/// parameters.
pub(crate) async fn create<T, M, D>(
    cx: &Context,
    new: &NewResource,
    request: &impl fmt::Debug,
    make: impl Fn(String) -> M,
    is_kept: impl Fn(String) -> D,
) -> Result<Created<T>>
where
    M: Future<Output = Result<Option<String>>>,
    D: Future<Output = Result<bool>>,
{
    let request = format!("{request:?}");
    for life in 0..LIVES {
        let token = new.token(cx.account(), cx.region(), &[&request, &life.to_string()]);
        let id = made(make(token).await?)?;
        if may_stand(cx, &id, is_kept(id.clone())).await? {
            return Ok(Created::Id(id));
        }
    }
    let message =
        format!("{} was created and deleted {LIVES} times within a day; EC2 still knows each token", new.address);
    Err(Error::refused("TokensUsedUp", message))
}

/// False if EC2 answered a token with a resource that it created earlier, and that has been deleted since.
///
/// `described` tells whether a describe call shows the resource as existing: EC2 describes some resources for an hour
/// after their deletion. "Not found" proves nothing, because a new resource is described only after some time: the
/// engine looks for it, and records what it does not find.
async fn may_stand(cx: &Context, id: &str, described: impl Future<Output = Result<bool>>) -> Result<bool> {
    if cx.is_lost(id) {
        return Ok(false);
    }
    match described.await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
        described => described,
    }
}
