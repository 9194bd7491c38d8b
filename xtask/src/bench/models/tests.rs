use conclave_testkit::{ModelServer, Speaks};

use super::{ANSWER, MODEL, asked, bare, client, host, quantile, times};
use crate::bench::harness::Harness;

#[test]
fn both_get_a_whole_answer_to_the_same_question() {
    let server = ModelServer::answering(Speaks::Ollama, &[MODEL], ANSWER);
    let folder = Harness::folder().unwrap();
    let client = client(vec![host("h", &server, 1).unwrap()], Some(folder.path())).unwrap();
    let answer = client.generate(super::PROMPT, "", &super::Options::default(), &super::CancelToken::new());
    assert_eq!(answer.unwrap().text, ANSWER);
    let body = asked(&server).unwrap();
    bare::ask(server.address(), &body).unwrap();
    assert_eq!(asked(&server).unwrap(), body);
    server.script(Speaks::Ollama.path(), Speaks::Ollama.cut(MODEL, ANSWER));
    assert!(bare::ask(server.address(), &body).is_err(), "a part is no answer");
}

#[test]
fn quantiles_are_by_nearest_rank() {
    let values: Vec<f64> = (1..=200).map(f64::from).collect();
    let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
    assert!(close(quantile(&values, 50), 100.0) && close(quantile(&values, 95), 190.0));
    assert!(close(quantile(&[], 95), 0.0));
    assert_eq!(times(3, || Ok(())).unwrap().len(), 3);
}
