//! `graph`.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use up_core::{Address, Declared, visit_named};
use up_engine::{Engine, Failure};
use up_stack::Stack;

use crate::{
    exit::Exit,
    options::{AwsArgs, StackArgs},
    terminal,
};

/// Writes the graph of a stack's resources: an arrow leads from each resource to those it needs.
///
/// Made from the stack's files alone, without a call to AWS. `bullstra-up graph STACK | dot -Tsvg > graph.svg` draws it.
#[derive(Debug, Args)]
pub(crate) struct GraphCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The language the graph is written in.
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid, as GitHub and many wikis draw it.
    Mermaid,
}

impl GraphCommand {
    pub(crate) fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let Stack { name, resources, .. } = self.stack.load(engine, &AwsArgs::default())?;
        terminal::data(match self.format {
            Format::Dot => dot(&name, &resources),
            Format::Mermaid => mermaid(&resources),
        })?;
        Ok(Exit::Ok)
    }
}

fn dot(stack: &str, resources: &[Declared]) -> String {
    let mut lines = vec![
        format!("digraph \"{stack}\" {{"),
        "  rankdir = LR".to_owned(),
        "  node [shape = box, style = rounded, fontname = monospace]".to_owned(),
    ];
    for (module, resources) in modules(resources) {
        let indent = if module.is_empty() { "  " } else { "    " };
        if !module.is_empty() {
            lines.extend([format!("  subgraph \"cluster_{module}\" {{"), format!("    label = \"{module}\"")]);
        }
        lines.extend(resources.iter().map(|address| format!("{indent}\"{address}\" [label = \"{}\"]", short(address))));
        lines.extend((!module.is_empty()).then(|| "  }".to_owned()));
    }
    lines.extend(edges(resources).into_iter().map(|(from, to, named)| {
        let style = if named { "" } else { " [style = dashed]" };
        format!("  \"{from}\" -> \"{to}\"{style}")
    }));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn mermaid(resources: &[Declared]) -> String {
    let modules = modules(resources);
    // Mermaid takes no dots and slashes in what names a node.
    let places = modules.values().flatten().enumerate();
    let nodes: BTreeMap<&Address, String> = places.map(|(place, address)| (*address, format!("r{place}"))).collect();
    let mut lines = vec!["flowchart LR".to_owned()];
    for (place, (module, resources)) in modules.iter().enumerate() {
        let indent = if module.is_empty() { "  " } else { "    " };
        lines.extend((!module.is_empty()).then(|| format!("  subgraph m{place} [\"{module}\"]")));
        lines.extend(resources.iter().map(|&address| format!("{indent}{}[\"{}\"]", nodes[address], short(address))));
        lines.extend((!module.is_empty()).then(|| "  end".to_owned()));
    }
    lines.extend(edges(resources).into_iter().map(|(from, to, named)| {
        let arrow = if named { "-->" } else { "-.->" };
        format!("  {} {arrow} {}", nodes[from], nodes[&to])
    }));
    lines.join("\n")
}

fn modules(resources: &[Declared]) -> BTreeMap<&str, BTreeSet<&Address>> {
    let mut modules: BTreeMap<&str, BTreeSet<&Address>> = BTreeMap::new();
    for Declared { address, .. } in resources {
        modules.entry(&address.module).or_default().insert(address);
    }
    modules
}

/// From each resource to what it needs; true where it names it, false where it only waits for it.
fn edges(resources: &[Declared]) -> BTreeSet<(&Address, Address, bool)> {
    let there: BTreeSet<_> = resources.iter().map(|declared| &declared.address).collect();
    let edges = resources.iter().flat_map(|Declared { address, spec, depends_on, .. }| {
        let mut named: BTreeSet<Address> = BTreeSet::new();
        visit_named(spec, &mut |address| named.extend(address.parse::<Address>()));
        let awaited = depends_on.difference(&named).cloned().map(move |to| (address, to, false));
        let awaited: Vec<_> = awaited.collect();
        named.into_iter().map(move |to| (address, to, true)).chain(awaited)
    });
    edges.filter(|(from, to, _)| there.contains(to) && *from != to).collect()
}

/// The address without its module, which is drawn around it.
fn short(address: &Address) -> String {
    Address { module: String::new(), ..address.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use snapbox::{assert_data_eq, str};
    use up_core::placeholder::Placeholder;

    use super::*;

    fn declared(address: &str, spec: Value, depends_on: &[&str]) -> Declared {
        let depends_on = depends_on.iter().map(|address| address.parse().unwrap()).collect();
        Declared { depends_on, ..Declared::new(address.parse().unwrap(), spec) }
    }

    fn resources() -> Vec<Declared> {
        let arn = Placeholder { address: "iam.role.run".into(), attribute: "arn".into() };
        vec![
            declared("network/ec2.vpc.main", json!({}), &[]),
            declared("network/ec2.subnet.private:a", json!({ "vpc": { "$ref": "network/ec2.vpc.main" } }), &[]),
            declared("iam.role.run", json!({}), &[]),
            declared("iam.policy.run", json!({ "text": arn.mark() }), &["iam.role.run", "network/ec2.vpc.main"]),
        ]
    }

    #[test]
    fn dot_groups_by_module() {
        assert_data_eq!(
            dot("prod", &resources()),
            str![[r#"
digraph "prod" {
  rankdir = LR
  node [shape = box, style = rounded, fontname = monospace]
  "iam.policy.run" [label = "iam.policy.run"]
  "iam.role.run" [label = "iam.role.run"]
  subgraph "cluster_network" {
    label = "network"
    "network/ec2.subnet.private:a" [label = "ec2.subnet.private:a"]
    "network/ec2.vpc.main" [label = "ec2.vpc.main"]
  }
  "iam.policy.run" -> "iam.role.run"
  "iam.policy.run" -> "network/ec2.vpc.main" [style = dashed]
  "network/ec2.subnet.private:a" -> "network/ec2.vpc.main"
}
"#]]
        );
    }

    #[test]
    fn mermaid_groups_by_module() {
        assert_data_eq!(
            mermaid(&resources()),
            str![[r#"
flowchart LR
  r0["iam.policy.run"]
  r1["iam.role.run"]
  subgraph m1 ["network"]
    r2["ec2.subnet.private:a"]
    r3["ec2.vpc.main"]
  end
  r0 --> r1
  r0 -.-> r3
  r2 --> r3
"#]]
        );
    }
}
