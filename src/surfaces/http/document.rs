//! `/openapi.json`, generated from the route table and the types, so the document matches the
//! program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use gander_client::types::{DecisionEvent, Problem, ProblemKind};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::ask::{KEY_PATTERN, LONGEST_KEY};
use super::error::MEDIA_TYPE;
use super::routes::{RequestHeader, RouteEntry, SuccessResponse, table};

/// Problems that every route can return.
const COMMON_PROBLEMS: [ProblemKind; 3] =
    [ProblemKind::BadRequest, ProblemKind::Foreign, ProblemKind::Internal];
/// Further problems of routes that need a caller.
const AUTHENTICATED_PROBLEMS: [ProblemKind; 3] =
    [ProblemKind::Unauthorized, ProblemKind::TooMany, ProblemKind::Unavailable];

/// The document as sent. Made once, because anybody may request it without limit.
pub(super) static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// The OpenAPI document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in table() {
        let operation = operation(&route, &mut generator);
        paths
            .entry(route.path)
            .or_default()
            .insert(route.method.as_str().to_lowercase(), operation);
    }
    generator.subschema_for::<DecisionEvent>();
    generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gander",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Agents ask, people decide. Errors are problem documents (RFC 9457). \
                Times are wall-clock times. An ETag begins with the decision's revision, and a \
                verdict repeats it in If-Match.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From gander token create. Not needed on the Unix socket.",
                },
            },
        },
    })
}

fn operation(route: &RouteEntry, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.words,
        "parameters": parameters(route, generator),
        "responses": responses(route, generator),
    });
    if let Some((body, needed)) = route.body {
        let schema = body(generator);
        operation["requestBody"] =
            json!({ "required": needed, "content": { "application/json": { "schema": schema } } });
    }
    if let Some(scopes) = route.scopes {
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.word()).collect();
        operation["security"] = json!([{ "token": [] }]);
        if !scopes.is_empty() {
            operation["description"] = json!(format!("Needs the scope {}.", scopes.join(" or ")));
        }
    }
    operation
}

fn parameters(route: &RouteEntry, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    if route.path.contains("{id}") {
        let schema = json!({ "type": "integer", "format": "int64", "minimum": 1 });
        parameters.push(json!({
            "name": "id",
            "in": "path",
            "required": true,
            "description": "The decision's number",
            "schema": schema,
        }));
    }
    for carried in &route.carries {
        let (name, required, words, schema) = match carried {
            RequestHeader::Revision => (
                "If-Match",
                true,
                "The ETag of the decision that the person saw, or its revision",
                json!({ "type": "string", "pattern": "^\"[1-9][0-9]{0,8}(-[0-9]{1,18})?\"$" }),
            ),
            RequestHeader::Version => (
                "If-None-Match",
                false,
                "The ETag of the version that the client has",
                json!({ "type": "string" }),
            ),
            RequestHeader::Key => {
                let schema = json!({
                    "type": "string",
                    "minLength": 1,
                    "maxLength": LONGEST_KEY,
                    "pattern": KEY_PATTERN,
                });
                (
                    IDEMPOTENCY_KEY_NAME,
                    false,
                    "Repeating a request with the same key returns the same decision, for one day",
                    schema,
                )
            }
            RequestHeader::Position => {
                let schema = json!({ "type": "string", "pattern": "^([0-9]{1,18})?$" });
                ("Last-Event-ID", false, "Continue after this event", schema)
            }
        };
        parameters.push(json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": words,
            "schema": schema,
        }));
    }
    let Some(query) = route.query else { return parameters };
    let query = query(generator);
    let properties =
        query.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, mut schema) in properties {
        let words = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"))
            .unwrap_or_default();
        parameters.push(
            json!({ "name": name, "in": "query", "description": words, "schema": present(schema) }),
        );
    }
    parameters
}

/// The idempotency header, spelled for the document. A test compares the name with the header that
/// the server reads.
const IDEMPOTENCY_KEY_NAME: &str = "Idempotency-Key";

/// Removes `null` from a query parameter's schema: a query string has no null.
fn present(mut schema: Value) -> Value {
    let Some(object) = schema.as_object_mut() else { return schema };
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(kinds)) = object.get("type") {
        let kinds: Vec<Value> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
        if let [only] = kinds.as_slice() {
            object.insert("type".into(), only.clone());
        }
    }
    if let Some(Value::Array(any)) = object.get("anyOf") {
        let there: Vec<Value> =
            any.iter().filter(|one| one.get("type") != Some(&json!("null"))).cloned().collect();
        if let [only] = there.as_slice() {
            return only.clone();
        }
    }
    schema
}

fn responses(route: &RouteEntry, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut responses = Map::new();
    for SuccessResponse { status, words, media, schema } in &route.good {
        let mut response = json!({ "description": words });
        if !media.is_empty() {
            let schema = schema.map(|schema| schema(generator));
            response["content"] = match schema {
                Some(schema) => json!({ *media: { "schema": schema } }),
                None => json!({ *media: {} }),
            };
        }
        responses.insert(status.to_string(), response);
    }
    let callers = AUTHENTICATED_PROBLEMS.iter().filter(|_| route.scopes.is_some());
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for kind in COMMON_PROBLEMS.iter().chain(callers).chain(&route.bad) {
        let titles = by_status.entry(kind.status()).or_default();
        if !titles.contains(&kind.title()) {
            titles.push(kind.title());
        }
    }
    let problem = generator.subschema_for::<Problem>();
    for (status, titles) in by_status {
        let content = json!({ MEDIA_TYPE: { "schema": problem } });
        responses.insert(
            status.to_string(),
            json!({ "description": titles.join(", or: "), "content": content }),
        );
    }
    responses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surfaces::http::ask::IDEMPOTENCY_KEY;
    use crate::surfaces::http::stream::LAST_EVENT_ID;

    #[test]
    fn headers_are_documented_as_they_are_read() {
        assert!(IDEMPOTENCY_KEY.as_str().eq_ignore_ascii_case(IDEMPOTENCY_KEY_NAME));
        assert!(LAST_EVENT_ID.as_str().eq_ignore_ascii_case("Last-Event-ID"));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"").skip(1) {
            let pointer = reference.split('"').next().unwrap().trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
