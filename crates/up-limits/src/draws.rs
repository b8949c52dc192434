//! The buckets that a call takes tokens from.

use up_core::{Limit, Service};

/// A bucket that a call takes a token from.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its name: `ec2:DescribeVpcs`, or `elbv2:all` where operations share it.
    pub bucket: String,
    /// Its limit, less the reserve that is left in it.
    pub limit: Limit,
}

/// Seconds by which two calls may arrive at AWS closer to each other than they were sent.
const UNEVEN: f64 = 0.6;

/// The buckets that a call takes a token from, the slowest first. A call takes its next token after it has waited for the one
/// before, so that the last token is taken when the call is sent, as AWS counts it.
pub fn draws(service: &Service, operation: &str) -> Vec<Drawn> {
    let limits = || service.limits.iter().filter(|limit| limit.is_for(operation));
    let first = limits().find(|limit| !limit.is_also).unwrap_or(&Limit::DEFAULT);
    let mut drawn: Vec<Drawn> = vec![];
    for limit in [first].into_iter().chain(limits().filter(|limit| limit.is_also)) {
        let bucket = format!("{}:{}", service.name, limit.shared.unwrap_or(operation));
        if drawn.iter().all(|other| other.bucket != bucket) {
            drawn.push(Drawn { bucket, limit: ours(limit) });
        }
    }
    drawn.sort_by(|one, other| one.limit.refill.total_cmp(&other.limit.refill));
    drawn
}

/// A limit without the tokens of the seconds that calls may arrive too close to each other.
fn ours(limit: &Limit) -> Limit {
    let reserve = (limit.refill * UNEVEN).ceil().max(1.0);
    Limit { capacity: (limit.capacity - reserve).max(1.0), ..*limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    static EC2: Service = Service {
        limits: &[
            Limit::new("Describe*", 100.0, 20.0),
            Limit::new("CreateTags", 100.0, 10.0),
            Limit::new("*", 50.0, 5.0),
        ],
        ..Service::new("ec2")
    };
    static ELBV2: Service = Service {
        limits: &[
            Limit::new("SetSubnets", 10.0, 0.2).shared("load balancers"),
            Limit::new("*", 40.0, 10.0).shared("all"),
            Limit::new("*", 40.0, 10.0).shared("all").also(),
            Limit::new("!Describe*", 20.0, 3.0).shared("modify").also(),
        ],
        ..Service::new("elbv2")
    };

    fn drawn(service: &Service, operation: &str) -> Vec<(String, f64, f64)> {
        draws(service, operation).into_iter().map(|it| (it.bucket, it.limit.capacity, it.limit.refill)).collect()
    }

    #[test]
    fn each_operation_has_its_bucket() {
        assert_eq!(drawn(&EC2, "DescribeVpcs"), [("ec2:DescribeVpcs".into(), 88.0, 20.0)]);
        assert_eq!(drawn(&EC2, "CreateVpc"), [("ec2:CreateVpc".into(), 47.0, 5.0)]);
        assert_eq!(drawn(&EC2, "CreateTags"), [("ec2:CreateTags".into(), 94.0, 10.0)]);
        assert_eq!(drawn(&Service::new("nobody"), "Knows"), [("nobody:Knows".into(), 44.0, 10.0)]);
    }

    #[test]
    fn some_draw_from_several_the_slowest_first() {
        let names =
            |operation: &str| -> Vec<_> { draws(&ELBV2, operation).into_iter().map(|drawn| drawn.bucket).collect() };
        assert_eq!(names("DescribeRules"), ["elbv2:all"]);
        assert_eq!(names("CreateRule"), ["elbv2:modify", "elbv2:all"]);
        assert_eq!(names("SetSubnets"), ["elbv2:load balancers", "elbv2:modify", "elbv2:all"]);
    }
}
