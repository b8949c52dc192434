//! Stacks of any size, built from parts of Bullstra's production.

use std::{fmt::Write, fs, path::Path};

use crate::harness::Result;

/// The shape of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StackShape {
    /// Networks: long chains, mostly of one AWS service.
    Network,
    /// Services behind load balancers: many kinds that depend on each other.
    Service,
    /// Independent resources.
    Wide,
    /// A site of 57 resources, whatever the size.
    Site,
    /// A network with 800 named log groups and 200 security groups, whatever the size.
    Names,
}

/// A module, and how many resources it has.
const NETWORK: (&str, usize) = (include_str!("network.toml"), 7);
const PLATFORM: (&str, usize) = (include_str!("platform.toml"), 9);
const SERVICE: (&str, usize) = (include_str!("service.toml"), 9);
const SITE: &str = include_str!("site.toml");
/// The log groups and security groups of [`StackShape::Names`].
const NAMES: (usize, usize) = (800, 200);
/// The resources of one cell of a network.
const CELL: usize = 5;
/// The cells of one network, which has at most 200 route tables and subnets.
const CELLS: usize = 90;
/// The services of one load balancer, which has at most 100 rules.
const SERVICES: usize = 80;
/// Kinds without dependencies.
const WIDE: [&str; 5] = [
    "logs.log_group.wide|retention_in_days = 30",
    "ecr.repository.wide|scan_on_push = true",
    "ec2.eip.wide|",
    "ecs.cluster.wide|",
    "iam.role.wide|assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
     Principal = { Service = \"ecs-tasks.amazonaws.com\" }, Action = \"sts:AssumeRole\" }] }",
];

impl StackShape {
    pub(super) const ALL: [Self; 5] = [Self::Network, Self::Service, Self::Wide, Self::Site, Self::Names];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Service => "service",
            Self::Wide => "wide",
            Self::Site => "site",
            Self::Names => "names",
        }
    }

    /// The greatest number of calls of each phase, if that is promised.
    pub(super) fn most(self, phase: &str) -> Option<u64> {
        // A destroy also looks for what is in its way, and lists each kind again at the end.
        let most = match self {
            Self::Site => [150, 30, 160],
            Self::Names => [1050, 33, 1065],
            _ => return None,
        };
        let at = ["apply", "plan, no change", "destroy"].iter().position(|known| *known == phase)?;
        Some(most[at])
    }

    /// Writes `stack.toml` of about `size` resources, and the modules it uses, into `folder`.
    pub(super) fn write(self, size: usize, folder: &Path) -> Result {
        let mut stack = String::from("[stack]\nname = \"bench\"\nregion = \"us-east-1\"\n");
        match self {
            Self::Network => {
                let networks = size.div_ceil(CELL * CELLS + NETWORK.1);
                let cells = (size / networks).saturating_sub(NETWORK.1) / CELL;
                write!(stack, "\n[module.unit]\nsource = \"network.toml\"\nfor_each = {}\n", numbered(networks))?;
                write!(stack, "number = \"${{each.value}}\"\ncells = {}\n", numbered(cells))?;
            }
            Self::Service => {
                let platforms = size.div_ceil(SERVICE.1 * SERVICES + PLATFORM.1);
                let services = (size.saturating_sub(platforms * PLATFORM.1) / SERVICE.1).max(1);
                write!(stack, "\n[module.platform]\nsource = \"platform.toml\"\nfor_each = {}\n", numbered(platforms))?;
                stack += "number = \"${each.value}\"\n";
                write!(stack, "\n[module.unit]\nsource = \"service.toml\"\nfor_each = {}\n", numbered(services))?;
                stack += "priority = \"${each.value + 1}\"\n";
                for output in ["vpc", "subnets", "listener", "cluster"] {
                    let platform = format!("module.platform[format(\"n%d\", each.value % {platforms})]");
                    writeln!(stack, "{output} = '${{{platform}.{output}}}'")?;
                }
            }
            Self::Site => {}
            Self::Names => {
                let (logs, groups) = (numbered(NAMES.0), numbered(NAMES.1));
                write!(stack, "\n[ec2.vpc.main]\ncidr_block = \"10.0.0.0/16\"\n")?;
                write!(stack, "\n[logs.log_group.main]\nfor_each = {logs}\nname = \"/bench/${{each.key}}\"\n")?;
                write!(stack, "\n[ec2.security_group.main]\nfor_each = {groups}\nname = \"bench-${{each.key}}\"\n")?;
                stack += "description = \"One of many\"\nvpc = \"main\"\n";
            }
            Self::Wide => {
                for (table, fields) in WIDE.iter().filter_map(|kind| kind.split_once('|')) {
                    write!(stack, "\n[{table}]\nfor_each = {}\n{fields}\n", numbered(size / WIDE.len()))?;
                }
            }
        }
        fs::write(folder.join("stack.toml"), if self == Self::Site { SITE } else { &stack })?;
        for (file, (text, _)) in [("network.toml", NETWORK), ("platform.toml", PLATFORM), ("service.toml", SERVICE)] {
            fs::write(folder.join(file), text)?;
        }
        Ok(())
    }

    /// Python code that changes one resource by hand.
    pub(super) fn drift(self) -> &'static str {
        match self {
            Self::Network => {
                "aws('ec2').modify_vpc_attribute(VpcId=id('unit:n0/ec2.vpc.main'), EnableDnsHostnames={'Value': False})"
            }
            Self::Service => {
                "aws('logs').put_retention_policy(logGroupName=id('unit:n0/logs.log_group.main'), retentionInDays=3)"
            }
            Self::Wide => {
                "aws('logs').put_retention_policy(logGroupName=id('logs.log_group.wide:n0'), retentionInDays=3)"
            }
            Self::Site => {
                "aws('logs').put_retention_policy(logGroupName=id('logs.log_group.main:stock'), retentionInDays=3)"
            }
            Self::Names => {
                "aws('logs').put_retention_policy(logGroupName=id('logs.log_group.main:n0'), retentionInDays=3)"
            }
        }
    }
}

/// `{ n0 = 0, n1 = 1, … }`
fn numbered(count: usize) -> String {
    let entries: Vec<_> = (0..count).map(|number| format!("n{number} = {number}")).collect();
    format!("{{ {} }}", entries.join(", "))
}
