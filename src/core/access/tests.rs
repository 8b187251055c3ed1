//! What each scope lets a caller see and do.

use super::*;
use crate::core::decision::{DecisionId, Request, Terms};

fn token(id: i64, scopes: &[Scope], projects: &[&str], holder: Option<u64>) -> Token {
    let holder = holder
        .map(|user| Holder { person: Person::discord(user, "Maya"), roles: vec!["77".into()] });
    let projects = projects.iter().map(|project| (*project).to_owned()).collect();
    let grant = Grant { scopes: scopes.iter().copied().collect(), projects, holder };
    let now = Time::UNIX_EPOCH;
    Token {
        id: TokenId(id),
        name: "x".into(),
        grant,
        created_at: now,
        used_at: None,
        revoked_at: None,
    }
}

fn asked_by(asker: Option<&str>, project: &str) -> Decision {
    let asked_by = asker.map(|id| Person { id: id.into(), name: "x".into() });
    let request = Request { project: project.into(), asked_by, ..Request::default() };
    Decision::new(DecisionId(1), request, Terms::default(), Time::UNIX_EPOCH)
}

#[test]
fn an_asker_sees_takes_and_never_decides_what_it_asked() {
    let caller = Caller::of_token(&token(1, &[Scope::Ask], &[], None), &[]);
    let (own, other) = (asked_by(Some("token:1"), "shop"), asked_by(Some("token:2"), "shop"));
    assert!(
        caller.can_see(&own, &[])
            && !caller.can_see(&other, &[])
            && !caller.can_see(&asked_by(None, "shop"), &[])
    );
    assert_eq!(
        (caller.may_take(&own), caller.may_take(&other)),
        (Ok(()), Err(Forbidden::NotTheirs))
    );
    assert_eq!(caller.may_decide(&own, &[]), Err(Forbidden::Lacks(Scope::Decide)));
    assert_eq!(caller.may_decide(&other, &[]), Err(Forbidden::Lacks(Scope::Decide)));
}

#[test]
fn a_token_keeps_to_its_projects() {
    let caller = Caller::of_token(&token(1, &Scope::ALL[..3], &["shop"], Some(7)), &[]);
    assert_eq!(caller.may_ask("notes"), Err(Forbidden::OtherProject("notes".into())));
    assert!(caller.may_ask("shop").is_ok());
    let (shop, notes) = (asked_by(None, "shop"), asked_by(None, "notes"));
    assert!(caller.can_see(&shop, &[]) && !caller.can_see(&notes, &[]));
    assert_eq!(caller.may_decide(&notes, &[]), Err(Forbidden::OtherProject("notes".into())));
    assert_eq!(caller.may_decide(&shop, &[]).unwrap().person, Person::discord(7, "Maya"));
}

#[test]
fn no_token_decides_what_its_holder_asked() {
    let (asks, decides) =
        (token(1, &[Scope::Ask], &[], Some(7)), token(2, &[Scope::Decide], &[], Some(7)));
    let caller =
        Caller::of_token(&decides, &[asks, decides.clone(), token(3, &[Scope::Ask], &[], Some(8))]);
    for own in ["token:1", "token:2", "discord:7"] {
        assert_eq!(
            caller.may_decide(&asked_by(Some(own), "shop"), &[]),
            Err(Forbidden::OwnQuestion),
            "{own}"
        );
    }
    for other in [Some("token:3"), Some("discord:8"), Some("unix:1000"), None] {
        assert!(caller.may_decide(&asked_by(other, "shop"), &[]).is_ok(), "{other:?}");
    }
}

#[test]
fn an_administrator_sees_everything_and_decides_nothing() {
    let caller = Caller::of_token(&token(1, &[Scope::Admin], &[], None), &[]);
    let other = asked_by(Some("token:2"), "notes");
    assert!(caller.can_see(&other, &[]) && caller.may_withdraw(&other).is_ok());
    assert_eq!(caller.may_take(&other), Err(Forbidden::Lacks(Scope::Ask)));
    assert_eq!(caller.may_decide(&other, &[]), Err(Forbidden::Lacks(Scope::Decide)));
}

#[test]
fn an_administrator_of_a_project_sees_and_withdraws_nothing_elsewhere() {
    let caller = Caller::of_token(&token(1, &[Scope::Admin], &["shop"], None), &[]);
    let (shop, notes) = (asked_by(None, "shop"), asked_by(None, "notes"));
    assert!(caller.can_see(&shop, &[]) && caller.may_withdraw(&shop).is_ok());
    assert!(!caller.can_see(&notes, &[]) && caller.may_withdraw(&notes).is_err());
}

#[test]
fn who_decides_sees_what_they_may_decide_and_no_more() {
    let rules = [ApproverRule {
        users: vec![7],
        projects: vec!["shop".into(), "web".into()],
        ..ApproverRule::default()
    }];
    let of =
        |projects: &[&str]| Caller::of_token(&token(1, &[Scope::Decide], projects, Some(7)), &[]);
    let sees = |caller: &Caller, project: &str| caller.can_see(&asked_by(None, project), &rules);
    let all = of(&[]);
    assert!(sees(&all, "shop") && sees(&all, "web") && !sees(&all, "notes"));
    assert!(all.can_see(&asked_by(Some("token:1"), "notes"), &rules), "its own");
    let one = of(&["shop", "notes"]);
    assert!(sees(&one, "shop") && !sees(&one, "web") && !sees(&one, "notes"));
    assert_eq!(
        one.visibility(&[]),
        Visibility::Limited {
            areas: vec![Area::of_projects(&["shop".into(), "notes".into()])],
            asker: "token:1".into(),
        }
    );
}

#[test]
fn a_token_lapses_with_its_holder() {
    let rules = [ApproverRule { roles: vec!["77".into()], ..ApproverRule::default() }];
    let stated = Caller::of_token(&token(1, &[Scope::Decide], &[], Some(7)), &[]);
    let shop = asked_by(None, "shop");
    assert!(stated.may_decide(&shop, &rules).is_ok() && stated.can_see(&shop, &rules));
    let now = |standing| stated.clone().with_standing(standing);
    for (standing, why) in [
        (HolderStanding::Left, Forbidden::HolderLeft),
        (HolderStanding::Unknown, Forbidden::HolderUnknown),
    ] {
        let caller = now(standing);
        assert_eq!(caller.may_decide(&shop, &rules), Err(why.clone()));
        assert!(!caller.can_see(&shop, &rules) && !caller.can_see(&shop, &[]), "{why:?}");
    }
    // The role that the token's creator stated was taken away.
    let plain = now(HolderStanding::Member { roles: Vec::new(), owner: false });
    assert!(!plain.can_see(&shop, &rules) && !plain.can_see(&shop, &[]));
    assert!(plain.may_decide(&shop, &rules).unwrap().roles.is_empty());
    let owner = now(HolderStanding::Member { roles: Vec::new(), owner: true });
    assert!(owner.can_see(&shop, &[]));
}

#[test]
fn a_token_without_a_scope_or_a_holder_is_not_made() {
    let grant = |scopes: &[Scope]| Grant {
        scopes: scopes.iter().copied().collect(),
        projects: vec![],
        holder: None,
    };
    assert_eq!(grant(&[]).validated(), Err(InvalidGrant::NoScope));
    assert_eq!(grant(&[Scope::Decide]).validated(), Err(InvalidGrant::NoHolder));
    let shop = Grant { projects: vec!["Web-Shop ".into()], ..grant(&[Scope::Ask]) };
    assert_eq!(shop.validated().unwrap().projects, ["web-shop"]);
}
