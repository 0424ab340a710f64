// A passkey: the browser asks its holder, the form carries the answer. Without script, or in a
// browser that knows no passkeys, the form stays hidden or its button says that it failed.

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function known(list) {
  return (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function create(asked) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
    },
  });
  return answer(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function get(asked) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: known(asked.allowCredentials),
    },
  });
  const { authenticatorData, signature, userHandle } = found.response;
  return answer(found, {
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  });
}

function answer(credential, response) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  };
}

async function options(form) {
  if (form.dataset.passkeyOptions) return JSON.parse(form.dataset.passkeyOptions).publicKey;
  const asked = await fetch(form.dataset.passkeyFrom, { headers: { Accept: "application/json" } });
  if (!asked.ok) throw new Error(`answered ${asked.status}`);
  return (await asked.json()).request_options.publicKey;
}

export function startPasskeys(root) {
  if (!window.PublicKeyCredential) return;
  for (const form of root.querySelectorAll("form[data-passkey]")) {
    if (form.dataset.watched) continue;
    form.dataset.watched = "yes";
    form.hidden = false;
    const button = form.querySelector("button");
    const wrong = form.querySelector(".error");
    const field = form.elements[form.dataset.passkeyField ?? "credential"];
    button.addEventListener("click", async () => {
      wrong.hidden = true;
      button.setAttribute("aria-busy", "true");
      try {
        const asked = await options(form);
        const said = form.dataset.passkey === "create" ? await create(asked) : await get(asked);
        field.value = JSON.stringify(said);
        form.submit();
      } catch {
        wrong.hidden = false;
        button.removeAttribute("aria-busy");
      }
    });
  }
}
