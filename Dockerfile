# Both binaries in a distroless image, not as root. Build: docker build -t evenkeel .
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY aws-sim aws-sim
COPY manifests/examples manifests/examples
COPY src src
RUN cargo build --locked --profile dist --bin evenkeel --bin ctl

# glibc and CA certificates, no shell, no package manager; runs as user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/dist/evenkeel /src/target/dist/ctl /usr/local/bin/
ENV EVENKEEL_STORE=file:/etc/evenkeel/specs \
    EVENKEEL_STATE=file:/var/lib/evenkeel
VOLUME /var/lib/evenkeel
EXPOSE 8099
# SIGTERM finishes the action under way; ECS waits stopTimeout seconds (30 by default) and needs 10 at most.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 CMD ["/usr/local/bin/evenkeel", "health"]
ENTRYPOINT ["/usr/local/bin/evenkeel"]
CMD ["run"]
