# syntax=docker/dockerfile:1
# Two stages on Debian 12. The image holds one program, the libraries it links, and the system's CA
# certificates; it runs as uid 65532, needs no capability, and writes below /data only.

FROM rust:1.95-slim-bookworm AS builder
# clang and libclang: srtp2-sys reads libsrtp's headers when it is built. make: it builds libsrtp itself,
# against OpenSSL, since Debian's libsrtp2 is several times slower (docs/decisions.md, "libsrtp").
RUN apt-get update \
 && apt-get install --yes --no-install-recommends clang libclang-dev libssl-dev make pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package kirkwall --bin kirkwall

FROM debian:12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=65532 --group=65532 --mode=0700 /data \
 && install --directory /etc/kirkwall
COPY --from=builder /src/target/release/kirkwall /usr/local/bin/kirkwall
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/kirkwall/
USER 65532:65532
# kirkwall.toml is read from here when it is mounted; without it the environment alone configures the node.
WORKDIR /etc/kirkwall
VOLUME ["/data"]
# Pages and REST; SIP of handsets and base stations; SIP over TLS from the north; base link; voice. With thousands of
# voice ports the host's network is the right one (deploy/compose.yaml), not port mappings.
EXPOSE 8443/tcp 5060/udp 5060/tcp 5061/tcp 14700/tcp 30000-39999/udp
# No HEALTHCHECK: `kirkwall doctor` looks at what is around the node, not at the running switch, and the
# image has no HTTP client. Ask /livez and /readyz on the ops port from outside (127.0.0.1:9464 unless
# [ops] listen says otherwise).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/kirkwall"]
CMD ["serve", "--data", "/data"]
