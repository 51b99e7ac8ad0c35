#!/usr/bin/env bash
# Makes the certificates of the tests anew: a root of our own, and what it signed. Valid for a hundred years but for one.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout; }

key >"$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -subj "/CN=root of the tests" -days 36500 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out ca.pem

# NAME SUBJECT-ALTERNATIVE-NAMES [how long]: NAME.pem holds the key and the certificate.
signed() {
    local name=$1 names=$2
    shift 2
    key >"$work/key"
    openssl req -new -key "$work/key" -subj "/CN=$name" -out "$work/request"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$work/extensions"
    openssl x509 -req -in "$work/request" -CA ca.pem -CAkey "$work/ca.key" -CAcreateserial -CAserial "$work/serial" \
        -extfile "$work/extensions" "$@" -out "$work/certificate"
    cat "$work/key" "$work/certificate" >"$name.pem"
}

signed localhost "DNS:localhost,IP:127.0.0.1,IP:::1" -days 36500
signed elsewhere "DNS:elsewhere.example" -days 36500
signed client "DNS:client.example" -days 36500
signed expired "DNS:localhost,IP:127.0.0.1" -days -1

key >"$work/key"
openssl req -x509 -new -key "$work/key" -subj "/CN=localhost" -days 36500 -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -out "$work/certificate"
cat "$work/key" "$work/certificate" >selfsigned.pem
