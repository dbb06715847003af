/** The nginx that Polyhost is compared with: as fast as a careful administrator makes one worker in front of one Node. */
import { spawnSync } from "node:child_process"
import { userInfo } from "node:os"

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
  readonly socketPath: string
}

export function nginxConf({ prefix, port, socketPath }: Site): string {
  const { uid, username } = userInfo()
  return `daemon off;
# One worker, as there is one Node behind it and wrk takes a core.
worker_processes 1;
${uid === 0 ? `# Else the worker could not reach the socket in a folder of root's.\nuser ${username};` : ""}
pid ${prefix}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
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
  upstream node {
    server unix:${socketPath};
    keepalive 64;
    keepalive_requests 1000000000;
    # Less than the 5 s after which Node closes an idle connection: nginx must not send into a closing one.
    keepalive_timeout 4s;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}
`
}
