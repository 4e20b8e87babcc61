# What a process of the benchmark owes the runner, for peers that are not written in Go: see internal/peer for those that are.
# A start script sources this file, calls parse_flags "$@", and ends with serve COMMAND...

usage() {
  echo "$0: $1; usage: $0 [-listen HOST:PORT] -user ADDRESS -order ADDRESS -product ADDRESS -notice ADDRESS" >&2
  exit 2
}

# parse_flags sets HOST and PORT, where to listen, and exports the addresses of the services: USER_SERVICE and so on.
# Port 0 becomes a free one, since these servers do not tell which one they got.
parse_flags() {
  local listen=127.0.0.1:0 service
  while (($# > 0)); do
    (($# > 1)) || usage "$1 wants a value"
    case $1 in
      -listen) listen=$2 ;;
      -user | -order | -product | -notice)
        service=${1#-}
        export "${service^^}_SERVICE=$2"
        ;;
      *) usage "unknown flag $1" ;;
    esac
    shift 2
  done
  for service in USER ORDER PRODUCT NOTICE; do
    [[ -v ${service}_SERVICE ]] || usage "-${service,,} is missing"
  done
  HOST=${listen%:*} PORT=${listen##*:}
  if [[ $PORT == 0 ]]; then
    PORT=$(node -e 'const s = require("net").createServer().listen(0, process.argv[1], () => { console.log(s.address().port); s.close() })' "$HOST")
  fi
  export HOST PORT
}

# serve runs a server that listens on HOST:PORT and announces it when it takes connections. It ends with the server, on SIGTERM, or
# when standard input is closed, and takes the server with it.
serve() {
  if [[ ! -x $1 ]]; then
    echo "$0: there is no $1: run npm ci in $PWD" >&2
    exit 1
  fi
  exec 3<&0
  trap 'exit 0' INT TERM
  trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
  "$@" </dev/null >&2 3<&- &
  until (: <>"/dev/tcp/$HOST/$PORT") 2>/dev/null; do
    kill -0 $! 2>/dev/null || { wait $!; exit 1; }
    sleep 0.05
  done
  echo "listening $HOST:$PORT"
  cat <&3 >/dev/null & # ends with standard input
  wait -n
}
