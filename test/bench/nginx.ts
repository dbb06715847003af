/** The nginx that Polyhost is compared with: as fast as a careful administrator makes it. */
import { spawnSync } from "node:child_process"
import { cpus, userInfo } from "node:os"
import type { Certificate } from "./files.ts"

/** Name or path of an nginx that runs here, or null. Distributions keep it where only root's PATH leads. */
export function findNginx(): string | null {
  const places = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"]
  return places.find((it) => spawnSync(it, ["-v"]).status === 0) ?? null
}

/** Such as `nginx/1.22.1`, or null. */
export function nginxVersion(): string | null {
  const nginx = findNginx()
  if (nginx === null) return null
  // It prints its version to stderr.
  return /nginx\/\S+/.exec(spawnSync(nginx, ["-v"], { encoding: "utf8" }).stderr)?.[0] ?? "nginx"
}

export interface Site {
  /** A folder of its own, with an empty folder `tmp` in it. */
  readonly prefix: string
  readonly port: number
  readonly serves: { readonly proxyTo: string } | { readonly files: string }
  /** HTTP/2: by ALPN with a certificate, by prior knowledge without one. */
  readonly http2: boolean
  readonly certificate: Certificate | null
}

export function nginxConf(site: Site): string {
  const { prefix, port, serves, http2, certificate } = site
  const { uid, username } = userInfo()
  // In front of one Node over plain HTTP/1.1 one worker is enough, and wrk takes a core. Where nginx itself has work, one a core.
  const workers = "proxyTo" in serves && !http2 && certificate === null ? 1 : cpus().length
  return `daemon off;
worker_processes ${workers};
${uid === 0 ? `# Else the worker could not reach files and sockets in a folder of root's.\nuser ${username};` : ""}
pid ${prefix}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  types { text/plain txt; }
  default_type application/octet-stream;
  tcp_nodelay on;
  # Connections live as long as the load.
  keepalive_requests 1000000000;
  client_header_buffer_size 8k;
  large_client_header_buffers 8 64k;
  client_max_body_size 0;
  # Uploads took more CPU with the default of 16k.
  client_body_buffer_size 256k;
  # Bodies pass through memory, never through a file.
  proxy_request_buffering off;
  proxy_buffer_size 16k;
  proxy_buffers 8 16k;
  proxy_max_temp_file_size 0;
  client_body_temp_path ${prefix}/tmp;
  proxy_temp_path ${prefix}/tmp;
  fastcgi_temp_path ${prefix}/tmp;
  uwsgi_temp_path ${prefix}/tmp;
  scgi_temp_path ${prefix}/tmp;
${"proxyTo" in serves ? upstream(serves.proxyTo) : ""}
  server {
    listen 127.0.0.1:${port}${certificate === null ? "" : " ssl"}${http2 ? " http2" : ""} backlog=4096;
${certificate === null ? "" : tls(certificate)}
    location / {
${"proxyTo" in serves ? PROXY : filesOf(serves.files)}
    }
  }
}
`
}

function upstream(socketPath: string): string {
  return `  upstream node {
    server unix:${socketPath};
    keepalive 64;
    keepalive_requests 1000000000;
    # Less than the 5 s after which Node closes an idle connection: nginx must not send into a closing one.
    keepalive_timeout 4s;
  }`
}

const PROXY = `      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;`

/** open_file_cache stays off, as it is by default: with it a file that changed is answered as it was. */
function filesOf(folder: string): string {
  return `      root ${folder};
      sendfile on;
      tcp_nopush on;`
}

function tls({ cert, key }: Certificate): string {
  return `    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;`
}
