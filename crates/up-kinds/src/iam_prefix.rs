//! The names of services in IAM's actions.

/// The prefix of a service's IAM actions, such as `ec2`, by the SDK's name for the service, such as `EC2`.
pub fn iam_prefix(service: &str) -> String {
    match service {
        "Elastic Load Balancing v2" => "elasticloadbalancing".to_owned(),
        "CloudWatch Logs" => "logs".to_owned(),
        "Resource Groups Tagging API" => "tag".to_owned(),
        other => other.to_lowercase().replace(' ', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_iam_names_them() {
        assert_eq!(iam_prefix("EC2"), "ec2");
        assert_eq!(iam_prefix("CloudWatch Logs"), "logs");
    }
}
