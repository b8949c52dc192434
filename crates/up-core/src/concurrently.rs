//! Runs several calls at the same time.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::Result;

/// The greatest number of calls of one kind at a time. AWS's request limits are enforced elsewhere, by the rate
/// limiter.
const MOST: usize = 32;

/// Waits for all futures and returns their results in order. The first error ends it.
///
/// # Errors
/// The first error of a future.
pub async fn concurrently<T>(all: impl IntoIterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    stream::iter(all).buffered(MOST).try_collect().await
}

/// Reads single resources and returns those that exist, in order.
///
/// # Errors
/// The first error of a future.
pub async fn found<T>(all: impl IntoIterator<Item = impl Future<Output = Result<Option<T>>>>) -> Result<Vec<T>> {
    Ok(concurrently(all).await?.into_iter().flatten().collect())
}
