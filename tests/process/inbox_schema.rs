//! The JSON Schemas: those of the program, and of one mind with it.

use std::path::Path;

use gander::core::decision::Via;
use gander::sources::inbox::schema;
use serde_json::Value;

use crate::inbox_world::{World, ada, fixtures};

#[test]
fn the_schemas_are_those_of_the_program() {
    for (name, generated) in [
        ("inbox", schema::question_schema()),
        ("verdict", schema::verdict_schema()),
        ("outcome", schema::outcome_schema()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.json"));
        let committed = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            committed, generated,
            "write it anew: gander schema {name} > schema/{name}.json"
        );
    }
}

#[tokio::test]
async fn the_schema_and_the_program_agree() {
    let schema: Value = serde_json::from_str(&schema::question_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let parsed = |bytes: &[u8]| -> Value {
        serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).unwrap()
    };
    for (name, bytes) in fixtures("good-") {
        let mut world = World::new();
        world.put("inbox/x.json", &bytes);
        assert_eq!(world.look().await.asked.len(), 1, "{name}");
        let errors: Vec<String> =
            validator.iter_errors(&parsed(&bytes)).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
    // That the program refuses them too is another test above.
    for (name, bytes) in fixtures("bad-") {
        assert!(!validator.is_valid(&parsed(&bytes)), "{name}");
    }
    for (name, bytes) in fixtures("policy-") {
        assert!(validator.is_valid(&parsed(&bytes)), "{name}: only policy or the disk refuses it");
    }
}

#[tokio::test]
async fn every_verdict_file_fits_its_schema() {
    let schema: Value = serde_json::from_str(&schema::verdict_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut world = World::new();
    for (name, bytes) in fixtures("good-").into_iter().chain(fixtures("bad-")) {
        world.put(&format!("inbox/{name}"), bytes);
    }
    let asked = world.look().await.asked;
    for (name, _) in fixtures("good-").into_iter().chain(fixtures("bad-")) {
        assert!(validator.is_valid(&world.verdict(&name)), "{name}");
    }
    for id in asked {
        let decision = world.handle.approvals().get(id).await.unwrap();
        world
            .handle
            .approvals()
            .reject(id, decision.revision, &ada(), Via::Discord, "no")
            .await
            .unwrap();
    }
    world.look().await;
    for (name, _) in fixtures("good-") {
        let said = world.verdict(&name);
        assert!(validator.is_valid(&said) && said["verdict"] == "rejected", "{said}");
    }
}
