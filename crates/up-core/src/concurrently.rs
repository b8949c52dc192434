//! Calls for one resource each, many at the same time.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::Result;

/// How many are under way at once, for each kind. What AWS allows is kept to elsewhere: calls wait for their turn there.
const MOST: usize = 32;

/// What all of these come to, in their order. The first failure ends it.
///
/// # Errors
/// The first of theirs.
pub async fn concurrently<T>(all: impl IntoIterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    stream::iter(all).buffered(MOST).try_collect().await
}

/// What all of these find, in their order: the looks at single resources, of which some are not asked for, or gone meanwhile.
///
/// # Errors
/// The first of theirs.
pub async fn found<T>(all: impl IntoIterator<Item = impl Future<Output = Result<Option<T>>>>) -> Result<Vec<T>> {
    Ok(concurrently(all).await?.into_iter().flatten().collect())
}
