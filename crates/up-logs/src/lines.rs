//! Lines of a log.

use up_core::{AlreadyDone, Context, Later, deploying::LogReader};

use crate::client;

/// Logs in CloudWatch.
#[derive(Debug)]
pub(crate) struct Lines;

impl LogReader for Lines {
    fn last_lines<'a>(
        &'a self,
        cx: &'a Context,
        group: &'a str,
        stream: &'a str,
        limit: usize,
    ) -> Later<'a, Vec<String>> {
        Box::pin(async move {
            let limit = i32::try_from(limit).unwrap_or(i32::MAX);
            let request = client(cx).get_log_events().log_group_name(group).log_stream_name(stream);
            let answer = request.limit(limit).start_from_head(false).send().await.unless_gone()?;
            let events = answer.and_then(|answer| answer.events).into_iter().flatten();
            Ok(events.filter_map(|event| event.message).map(|line| line.trim_end().to_owned()).collect())
        })
    }
}
