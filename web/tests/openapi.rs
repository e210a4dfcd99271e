//! The OpenAPI document describes what is served: nothing more, nothing less.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use kirkwall_web::{openapi_json, page_routes, rest_routes};
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(openapi_json()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[test]
fn every_operation_is_described_with_its_scope() {
    let document = document();
    let described: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            let scope = operation["security"][0]["token"][0].as_str().map(str::to_owned);
            (method, path, scope)
        })
        .collect();
    let served: BTreeSet<_> = rest_routes()
        .into_iter()
        .map(|route| (route.method, route.path.to_owned(), route.scope.map(str::to_owned)))
        .collect();
    assert_eq!(described, served);
}

#[test]
fn the_document_keeps_the_rules_of_openapi() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "operationId {name} stands twice");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{method} {path} {status} has no description");
        }
        for variable in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|p| p["name"] == variable && p["in"] == "path"), "{path}");
        }
    }
    let text = openapi_json();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "there is no schema {name}");
    }
}

#[test]
fn the_document_is_as_it_was() {
    let golden = include_str!("openapi.json");
    if golden.trim() != openapi_json() {
        let place = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json");
        std::fs::write(place, format!("{}\n", openapi_json())).unwrap();
        panic!("the API changed; if this is meant, copy {place} to tests/openapi.json");
    }
}

#[test]
fn every_act_on_a_page_has_a_rest_operation() {
    let served: BTreeSet<_> =
        rest_routes().into_iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    for page in page_routes() {
        assert_eq!(page.twin.is_some(), page.method == "POST", "{page:?}");
        assert!(page.twin.is_none_or(|twin| served.contains(twin)), "{page:?}");
    }
}
