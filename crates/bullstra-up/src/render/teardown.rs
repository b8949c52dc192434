//! What a destroy says besides its plan and summary.

use up_engine::{Level, TeardownProof, TeardownRemark};

use super::{
    notices::notices,
    style::message,
    text::{count, safe},
};

/// What is in the way of a destroy, as warnings, and what else happens with it, as notes.
pub(crate) fn remarks(remarks: &[TeardownRemark]) -> Vec<String> {
    let blocking = remarks.iter().filter(|remark| remark.blocks);
    let blocking: Vec<_> = blocking.map(|it| format!("{} ({}): {}", it.address, safe(&it.id), it.message)).collect();
    let title = "AWS refuses these deletes until somebody removes what is in the way:";
    let blocking =
        (!blocking.is_empty()).then(|| message(Level::Warning, &format!("{title}\n{}", blocking.join("\n"))));
    let others = remarks.iter().filter(|remark| !remark.blocks);
    blocking.into_iter().chain(notices(others.map(|it| (&it.address, it.message.as_str())))).collect()
}

/// What is left after a destroy.
pub(crate) fn proof(proof: &TeardownProof) -> Vec<String> {
    let TeardownProof { kinds, left, kept, unread } = proof;
    let mut lines = vec![];
    let looked = count(kinds.len() - unread.keys().filter(|kind| kinds.contains(kind)).count(), "kind");
    if left.is_empty() {
        lines.push(format!("Nothing of the stack is left: {looked} listed again."));
    } else {
        let left: Vec<_> = left.iter().map(|it| format!("{} ({})", it.address, safe(&it.id))).collect();
        lines.push(message(Level::Error, &format!("still there, though deleted:\n{}", left.join("\n"))));
    }
    if !kept.is_empty() {
        let list: Vec<_> = kept.iter().map(|kept| format!("\n  {}", safe(kept))).collect();
        lines.push(format!("AWS keeps, and charges for, {}:{}", count(kept.len(), "item"), list.concat()));
    }
    let unread = unread.iter().map(|(kind, error)| format!("failed to list what is left of {kind}: {error}"));
    lines.extend(unread.map(|text| message(Level::Warning, &text)));
    lines
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use snapbox::{assert_data_eq, str};
    use up_engine::LeftResource;

    use super::*;

    fn text(lines: &[String]) -> String {
        strip_str(&lines.join("\n")).to_string()
    }

    #[test]
    fn what_blocks_comes_first() {
        let remark = |address: &str, message: &str, blocks| TeardownRemark {
            address: address.parse().unwrap(),
            id: "vpc-1".into(),
            message: message.into(),
            blocks,
        };
        let all = [
            remark("ec2.vpc.main", "eni-1 (a bastion) is in it, and is not in the stack", true),
            remark("ecr.repository.a", "its 2 images are deleted with it", false),
        ];
        assert_data_eq!(
            text(&remarks(&all)),
            str![[r#"
warning: AWS refuses these deletes until somebody removes what is in the way:
         ec2.vpc.main (vpc-1): eni-1 (a bastion) is in it, and is not in the stack
note: ecr.repository.a: its 2 images are deleted with it
"#]]
        );
    }

    #[test]
    fn the_proof_tells_what_is_left_and_what_is_kept() {
        let kept = vec!["snapshot a-final-12345678 (of a)".to_owned()];
        let clean = TeardownProof { kinds: vec!["ec2.vpc", "rds.instance"], kept, ..TeardownProof::default() };
        assert_data_eq!(
            text(&proof(&clean)),
            str![[r#"
Nothing of the stack is left: 2 kinds listed again.
AWS keeps, and charges for, 1 item:
  snapshot a-final-12345678 (of a)
"#]]
        );
        let left = vec![LeftResource { address: "ec2.vpc.main".parse().unwrap(), id: "vpc-1".into() }];
        let unread = [("rds.instance", "AccessDenied: no".to_owned())].into();
        let open = TeardownProof { kinds: vec!["ec2.vpc", "rds.instance"], left, unread, kept: vec![] };
        assert_data_eq!(
            text(&proof(&open)),
            str![[r#"
error: still there, though deleted:
       ec2.vpc.main (vpc-1)
warning: failed to list what is left of rds.instance: AccessDenied: no
"#]]
        );
    }
}
